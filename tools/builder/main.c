/* sinter-builder: libsinter starts it to build kernels side by side. */
#include "kernel/prebuild.h"

int main(int argc, char **argv) {
    return sni_prebuild_serve(argc, argv);
}
