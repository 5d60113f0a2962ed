/* SPDX-License-Identifier: MIT */
/* progress.c: the bar over images that go through a map. */
#include "shared/progress.h"

#include "precondition.h"
#include "shared/interrupt.h"

int pdessm_cli_precondition_show(void *user, double share) {
    pdessm_cli_progress_update(user, share, "");
    return pdessm_cli_interrupted();
}

pdessm_status pdessm_cli_precondition_map_data(cli *c, pdessm_precondition *map,
                                               pdessm_dataset *data, pdessm_dataset **ret) {
    cli_progress bar;
    pdessm_cli_progress_begin(&bar, c, "map", 0);
    pdessm_status status =
        pdessm_precondition_dataset(map, data, pdessm_cli_precondition_show, &bar, ret);
    pdessm_cli_progress_end(&bar);
    return status;
}
