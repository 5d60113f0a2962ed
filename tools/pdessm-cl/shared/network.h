/* SPDX-License-Identifier: MIT */
/* network.h: a training step of a small network, compared between devices. */
#ifndef PDESSM_CLI_SHARED_NETWORK_H
#define PDESSM_CLI_SHARED_NETWORK_H

#include "verify/verify.h"

struct pdessm_config; /* pdessm/model.h */

typedef struct cli_network_error {
    pdessm_deviation loss, gradients;
    char worst_gradient[96]; /* the parameter where the gradients differ most */
} cli_network_error;

/* Loss and gradients of a preset on 16 x 16 x 3 images, all parameters away from their zeros. */
pdessm_status pdessm_cli_network_compare(const char *preset, uint64_t seed, pdessm_device *device,
                                         pdessm_device *reference, cli_network_error *ret);

/* The same step on one device, for what it leaves in the kernel cache. */
pdessm_status pdessm_cli_network_run(const struct pdessm_config *config, int64_t batch,
                                     pdessm_device *device);

#endif
