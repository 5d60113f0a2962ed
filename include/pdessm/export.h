/* SPDX-License-Identifier: MIT */
/* export.h: PDESSM_API marks what the library exports; all else in it is hidden. */
#ifndef PDESSM_EXPORT_H
#define PDESSM_EXPORT_H

#ifndef PDESSM_API
#if defined(_WIN32) || defined(__CYGWIN__)
#define PDESSM_API __declspec(dllexport)
#elif defined(__GNUC__)
#define PDESSM_API __attribute__((visibility("default")))
#else
#define PDESSM_API
#endif
#endif

#endif
