/* SPDX-License-Identifier: MIT */
/* advice.c: what to install for the graphics card present. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/ocl/ocl.h"

static const struct vendor {
    const char *id; /* PCI vendor, as /sys writes it */
    const char *name, *packages;
} vendors[] = {
    {"0x1002", "AMD", "mesa-opencl-icd (rusticl), or AMD's ROCm packages"},
    {"0x8086", "Intel", "intel-opencl-icd"},
    {"0x10de", "NVIDIA", "nvidia-opencl-icd"},
};

enum { VENDORS = sizeof vendors / sizeof *vendors };

const char *pdessm_ocl_vendor_folder(void) {
    const char *asked = getenv("OCL_ICD_VENDORS");
    return asked && *asked ? asked : "/etc/OpenCL/vendors";
}

/* Marks the vendors whose cards this machine has. */
static int find_cards(int ret_found[VENDORS]) {
    glob_t files;
    int any = 0;
    memset(ret_found, 0, VENDORS * sizeof *ret_found);
    if (glob("/sys/class/drm/card*/device/vendor", 0, NULL, &files) != 0)
        return 0;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char id[16] = "";
        FILE *file = fopen(files.gl_pathv[i], "r");
        if (!file)
            continue;
        if (fscanf(file, "%15s", id) == 1)
            for (int v = 0; v < VENDORS; v++)
                if (strcmp(id, vendors[v].id) == 0)
                    any = ret_found[v] = 1;
        fclose(file);
    }
    globfree(&files);
    return any;
}

void pdessm_ocl_driver_advice(char *ret, size_t size) {
    int found[VENDORS];
    int any = find_cards(found);
    size_t used = (size_t)snprintf(ret, size, "install a driver:");
    for (int v = 0; v < VENDORS && used < size; v++)
        if (found[v] || !any)
            used += (size_t)snprintf(ret + used, size - used, " %s: %s;", vendors[v].name,
                                     vendors[v].packages);
    if (used < size)
        snprintf(ret + used, size - used, " any CPU: pocl-opencl-icd");
}
