/* Symbol visibility and compiler attributes of the public interface. */
#ifndef SINTER_EXPORT_H
#define SINTER_EXPORT_H

#if defined(_WIN32) && defined(SINTER_SHARED)
#if defined(SINTER_BUILDING)
#define SINTER_API __declspec(dllexport)
#else
#define SINTER_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define SINTER_API __attribute__((visibility("default")))
#else
#define SINTER_API
#endif

#if defined(__GNUC__)
#define SINTER_WARN_UNUSED __attribute__((warn_unused_result))
#else
#define SINTER_WARN_UNUSED
#endif

#define SINTER_VERSION_MAJOR 0
#define SINTER_VERSION_MINOR 1
#define SINTER_VERSION_PATCH 0
#define SINTER_VERSION_STRING "0.1.0"

#endif
