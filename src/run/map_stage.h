/* SPDX-License-Identifier: MIT */
/* map_stage.h: what there is to say about a map that was just fitted. */
#ifndef PDESSM_RUN_MAP_STAGE_H
#define PDESSM_RUN_MAP_STAGE_H

#include <pdessm/precondition.h>

/* Notes the map's kind and size, how long its fit took, and how well the inverse undoes it. */
pdessm_status pdessm_map_stage_describe(pdessm_context *ctx, pdessm_precondition *map,
                                        pdessm_dataset *data, double seconds);

#endif
