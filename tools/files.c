#include "files.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "op/op.h"

int64_t tool_tensor_count(const sinter_onnx_tensor *tensor) {
    int64_t count = 1;
    for (int i = 0; i < tensor->shape.rank; i++) count *= tensor->shape.dims[i];
    return count;
}

sinter_status tool_tensor_make(const char *name, sinter_dtype dtype, sinter_shape shape,
                               sinter_onnx_tensor *out_tensor) {
    size_t size = sinter_dtype_size(dtype);
    memset(out_tensor, 0, sizeof *out_tensor);
    for (int i = 0; i < shape.rank; i++)
        if (shape.dims[i] < 0 || !sni_mul_size(size, (size_t)shape.dims[i], &size) || size > PTRDIFF_MAX)
            return sni_fail(SINTER_SHAPE, "'%s': a dimension of %lld", name, (long long)shape.dims[i]);
    out_tensor->name = sni_strdup(name);
    out_tensor->data = sni_calloc(size ? size : 1, 1);
    out_tensor->dtype = dtype;
    out_tensor->shape = shape;
    out_tensor->size_bytes = size;
    if (out_tensor->name && out_tensor->data) return SINTER_OK;
    sinter_onnx_tensor_release(out_tensor);
    return sni_fail(SINTER_OUT_OF_MEMORY, "'%s' needs %zu bytes of memory", name, size);
}

/* ---- filling ---- */

static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double next_unit(uint64_t *state) {
    return ((double)(next_random(state) >> 11) + 0.5) / 9007199254740992.0;
}

void tool_tensor_fill(sinter_onnx_tensor *tensor, uint64_t seed) {
    int64_t count = tool_tensor_count(tensor);
    uint64_t state = seed;
    for (int64_t i = 0; i < count; i++) {
        /* Box and Muller's transform; one of its two numbers is enough here. */
        double radius = sqrt(-2 * log(next_unit(&state)));
        double normal = radius * cos(6.283185307179586 * next_unit(&state));
        sni_dtype_store(tensor->dtype, tensor->data, i, normal, normal > 0);
    }
}

/* ---- .npy ---- */

typedef struct {
    const char *code;
    sinter_dtype dtype;
} npy_type;

static const npy_type npy_types[] = {
    {"<f4", SINTER_F32}, {"<f2", SINTER_F16}, {"<f8", SINTER_F64},  {"|i1", SINTER_I8},
    {"|u1", SINTER_U8},  {"<i2", SINTER_I16}, {"<u2", SINTER_U16},  {"<u4", SINTER_U32},
    {"<i4", SINTER_I32}, {"<i8", SINTER_I64}, {"|b1", SINTER_BOOL},
};
#define NPY_TYPE_COUNT (sizeof npy_types / sizeof *npy_types)

static sinter_status bad_npy(const char *path, const char *what) {
    return sni_fail(SINTER_PARSE, "%s: %s", path, what);
}

/* The text after 'key': in the header's dictionary, or NULL. */
static const char *npy_field(const char *header, const char *key) {
    const char *at = strstr(header, key);
    if (!at) return NULL;
    at = strchr(at + strlen(key), ':');
    if (!at) return NULL;
    at++;
    while (*at == ' ') at++;
    return at;
}

static sinter_status npy_shape(const char *path, const char *text, sinter_shape *out) {
    *out = (sinter_shape){0};
    if (!text || *text != '(') return bad_npy(path, "its header has no shape");
    for (text++; *text && *text != ')';) {
        int64_t value = 0;
        const char *start = text;
        while (*text >= '0' && *text <= '9' && value < INT64_MAX / 16) value = value * 10 + (*text++ - '0');
        if (text == start) return bad_npy(path, "its shape is malformed");
        if (out->rank == SINTER_MAX_RANK) return bad_npy(path, "it has more than 8 dimensions");
        out->dims[out->rank++] = value;
        while (*text == ',' || *text == ' ') text++;
    }
    return SINTER_OK;
}

/* The header's text, terminated, and where the data starts. */
static sinter_status npy_header(const char *path, const uint8_t *data, size_t size, char **out_text,
                                size_t *out_start) {
    if (size < 12 || memcmp(data, "\x93NUMPY", 6) != 0) return bad_npy(path, "it is no .npy file");
    size_t length = data[8] | (size_t)data[9] << 8, start = 10;
    if (data[6] >= 2) {
        length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
        start = 12;
    }
    if (length > size - start) return bad_npy(path, "its header is cut short");
    *out_text = sni_calloc(length + 1, 1);
    if (!*out_text) return sni_out_of_memory("a header");
    memcpy(*out_text, data + start, length);
    *out_start = start + length;
    return SINTER_OK;
}

static sinter_status npy_parse(const char *path, const char *header, const uint8_t *data, size_t size,
                               sinter_onnx_tensor *out) {
    const char *descr = npy_field(header, "'descr'"), *order = npy_field(header, "'fortran_order'");
    sinter_dtype dtype = SINTER_DTYPE_NONE;
    sinter_shape shape;
    for (size_t i = 0; descr && i < NPY_TYPE_COUNT; i++)
        if (strncmp(descr + 1, npy_types[i].code, 3) == 0 && strlen(descr) > 4) dtype = npy_types[i].dtype;
    if (dtype == SINTER_DTYPE_NONE)
        return sni_fail(SINTER_UNSUPPORTED, "%s: its elements are %.8s", path, descr ? descr : "of no type");
    if (!order || strncmp(order, "False", 5) != 0)
        return sni_fail(SINTER_UNSUPPORTED, "%s: it is in Fortran's order", path);
    SNI_TRY(npy_shape(path, npy_field(header, "'shape'"), &shape));
    size_t need = sinter_dtype_size(dtype);
    for (int i = 0; i < shape.rank; i++)
        if (!sni_mul_size(need, (size_t)shape.dims[i], &need)) need = SIZE_MAX;
    if (need != size) return bad_npy(path, "its size is not that of its shape");
    SNI_TRY(tool_tensor_make(path, dtype, shape, out));
    memcpy(out->data, data, need);
    return SINTER_OK;
}

sinter_status tool_npy_read(const char *path, sinter_onnx_tensor *out_tensor) {
    sni_mapping mapping;
    char *header = NULL;
    size_t start = 0;
    SNI_TRY(sni_file_map(path, &mapping));
    const uint8_t *data = mapping.data;
    sinter_status status = npy_header(path, data, mapping.size_bytes, &header, &start);
    if (status == SINTER_OK) status = npy_parse(path, header, data + start, mapping.size_bytes - start, out_tensor);
    sni_free(header);
    sni_file_unmap(&mapping);
    return status;
}

static void npy_print_header(sinter_dtype dtype, sinter_shape shape, sni_str *out) {
    const char *code = "<f4";
    for (size_t i = 0; i < NPY_TYPE_COUNT; i++)
        if (npy_types[i].dtype == dtype) code = npy_types[i].code;
    sni_str_printf(out, "{'descr': '%s', 'fortran_order': False, 'shape': (", code);
    for (int i = 0; i < shape.rank; i++) sni_str_printf(out, "%s%lld", i ? ", " : "", (long long)shape.dims[i]);
    sni_str_append(out, shape.rank == 1 ? ",), }" : "), }");
    /* The data starts at a multiple of 64; the header ends with a line feed. */
    while ((10 + out->length + 1) % 64 != 0 && !out->failed) sni_str_append(out, " ");
    sni_str_append(out, "\n");
}

sinter_status tool_npy_write(const char *path, sinter_dtype dtype, sinter_shape shape, const void *data) {
    sni_str header = SNI_STR_INIT, file = SNI_STR_INIT;
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) count *= shape.dims[i];
    npy_print_header(dtype, shape, &header);
    char start[10] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, 0, 0};
    start[8] = (char)(header.length & 0xff);
    start[9] = (char)(header.length >> 8);
    sni_str_append_n(&file, start, sizeof start);
    sni_str_append_n(&file, sni_str_text(&header), header.length);
    if (dtype != SINTER_BF16) sni_str_append_n(&file, data, (size_t)count * sinter_dtype_size(dtype));
    for (int64_t i = 0; dtype == SINTER_BF16 && i < count; i++) {
        float value = sni_bf16_to_f32(((const uint16_t *)data)[i]);
        sni_str_append_n(&file, (const char *)&value, sizeof value);
    }
    sinter_status status = header.failed || file.failed ? sni_out_of_memory("a file")
                                                        : sni_file_write_atomic(path, file.text, file.length);
    sni_str_deinit(&header);
    sni_str_deinit(&file);
    return status;
}

/* ---- images ---- */

typedef struct {
    const char *path;
    const uint8_t *at, *end;
} reader;

/* The next number of a header or of a text image; comments run to the end of their line. */
static bool next_number(reader *r, long *out) {
    while (r->at < r->end && (*r->at == ' ' || (*r->at >= '\t' && *r->at <= '\r') || *r->at == '#')) {
        if (*r->at == '#')
            while (r->at < r->end && *r->at != '\n') r->at++;
        else
            r->at++;
    }
    const uint8_t *start = r->at;
    for (*out = 0; r->at < r->end && *r->at >= '0' && *r->at <= '9' && *out < 100000000; r->at++)
        *out = *out * 10 + (*r->at - '0');
    return r->at > start;
}

static bool next_sample(reader *r, bool text, bool wide, long *out) {
    if (text) return next_number(r, out);
    if (r->end - r->at < (wide ? 2 : 1)) return false;
    *out = wide ? r->at[0] << 8 | r->at[1] : r->at[0];
    r->at += wide ? 2 : 1;
    return true;
}

static sinter_status bad_image(const reader *r, const char *what) {
    return sni_fail(SINTER_PARSE, "%s: %s", r->path, what);
}

static sinter_status read_pixels(reader *r, sinter_onnx_tensor *out) {
    long width, height, most;
    if (r->end - r->at < 3 || r->at[0] != 'P' || !strchr("2356", r->at[1]))
        return bad_image(r, "it is no PGM or PPM image (P2, P3, P5, P6)");
    bool text = r->at[1] == '2' || r->at[1] == '3';
    int channels = r->at[1] == '3' || r->at[1] == '6' ? 3 : 1;
    r->at += 2;
    if (!next_number(r, &width) || !next_number(r, &height) || !next_number(r, &most) || width < 1 || height < 1 ||
        most < 1 || most > 65535)
        return bad_image(r, "its header is malformed");
    if (!text) r->at++; /* one blank before the samples */
    if (r->at > r->end || (uint64_t)width * (uint64_t)height > (uint64_t)(r->end - r->at))
        return bad_image(r, "it is cut short");
    SNI_TRY(tool_tensor_make(r->path, SINTER_F32, SINTER_SHAPE(channels, height, width), out));
    int64_t plane = (int64_t)width * height;
    for (int64_t i = 0; i < plane * channels; i++) {
        long sample;
        if (!next_sample(r, text, most > 255, &sample) || sample > most) {
            sinter_onnx_tensor_release(out);
            return bad_image(r, "a sample is missing or above the maximum");
        }
        ((float *)out->data)[i % channels * plane + i / channels] = (float)sample / (float)most;
    }
    return SINTER_OK;
}

sinter_status tool_image_read(const char *path, sinter_onnx_tensor *out_tensor) {
    sni_mapping mapping;
    memset(out_tensor, 0, sizeof *out_tensor);
    SNI_TRY(sni_file_map(path, &mapping));
    reader r = {path, mapping.data, (const uint8_t *)mapping.data + mapping.size_bytes};
    sinter_status status = read_pixels(&r, out_tensor);
    sni_file_unmap(&mapping);
    return status;
}

/* ---- by the file's ending ---- */

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static void print_shape(sinter_shape shape, char *text, size_t size) {
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < shape.rank && at < size; i++)
        at += (size_t)(shape.dims[i] < 0
                           ? snprintf(text + at, size - at, "%s?", i ? ", " : "")
                           : snprintf(text + at, size - at, "%s%lld", i ? ", " : "", (long long)shape.dims[i]));
}

/* An image [C, H, W] as an input [H, W], [C, H, W] or [1, C, H, W]. */
static sinter_status shape_image(const char *path, sinter_shape want, sinter_onnx_tensor *image) {
    sinter_shape have = image->shape, result = {.rank = want.rank};
    bool fits = want.rank >= 2 && want.rank <= SINTER_MAX_RANK;
    for (int i = 0; i < want.rank; i++) {
        int from = i - (want.rank - 3);
        result.dims[i] = from >= 0 ? have.dims[from] : 1;
        fits = fits && (want.dims[i] < 0 || want.dims[i] == result.dims[i]);
    }
    if (fits && (want.rank > 2 || have.dims[0] == 1)) {
        image->shape = result;
        return SINTER_OK;
    }
    char text[128];
    print_shape(want, text, sizeof text);
    return sni_fail(SINTER_SHAPE, "%s: an image of %lld channel(s), %lld high and %lld wide, does not fit [%s]", path,
                    (long long)have.dims[0], (long long)have.dims[1], (long long)have.dims[2], text);
}

static sinter_status convert(const char *path, sinter_dtype dtype, sinter_onnx_tensor *tensor) {
    sinter_onnx_tensor to;
    if (tensor->dtype == dtype) return SINTER_OK;
    if (sni_dtype_is_real(dtype) != sni_dtype_is_real(tensor->dtype))
        return sni_fail(SINTER_DTYPE, "%s holds %s, the input is %s", path, sinter_dtype_name(tensor->dtype),
                        sinter_dtype_name(dtype));
    SNI_TRY(tool_tensor_make(tensor->name, dtype, tensor->shape, &to));
    int64_t count = tool_tensor_count(tensor);
    for (int64_t i = 0; i < count; i++) {
        double real = 0;
        int64_t whole = 0;
        sni_dtype_load(tensor->dtype, tensor->data, i, &real, &whole);
        if (dtype == SINTER_BOOL) whole = whole != 0;
        sni_dtype_store(dtype, to.data, i, real, whole);
    }
    sinter_onnx_tensor_release(tensor);
    *tensor = to;
    return SINTER_OK;
}

static sinter_status read_any(const char *path, sinter_dtype dtype, sinter_shape shape, sinter_onnx_tensor *out) {
    if (ends_with(path, ".pb"))
        SNI_TRY(sinter_onnx_tensor_load(path, out));
    else if (ends_with(path, ".npy"))
        SNI_TRY(tool_npy_read(path, out));
    else if (ends_with(path, ".pgm") || ends_with(path, ".ppm")) {
        SNI_TRY(tool_image_read(path, out));
        SNI_TRY(shape_image(path, shape, out));
    } else
        return sni_fail(SINTER_UNSUPPORTED, "%s: files end in .npy, .pb, .pgm or .ppm", path);
    return convert(path, dtype, out);
}

sinter_status tool_tensor_read(const char *path, const char *name, sinter_dtype dtype, sinter_shape shape,
                               sinter_onnx_tensor *out_tensor) {
    memset(out_tensor, 0, sizeof *out_tensor);
    sinter_status status = read_any(path, dtype, shape, out_tensor);
    if (status == SINTER_OK) {
        sni_free(out_tensor->name);
        out_tensor->name = sni_strdup(name);
        if (!out_tensor->name) status = sni_out_of_memory("a tensor");
    }
    if (status != SINTER_OK) sinter_onnx_tensor_release(out_tensor);
    return status;
}
