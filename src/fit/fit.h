/* SPDX-License-Identifier: MIT */
/* fit.h: one fit for each kind of map.
 *
 * The room `fit` makes maps from data and measures what they mend; model/maps applies them. It
 * trains small models for that, which is why it stands above `train`. */
#ifndef PDESSM_FIT_FIT_H
#define PDESSM_FIT_FIT_H

#include "core/watch.h"
#include "fit/job.h"
#include "model/maps/map.h"

/* One for each kind: fills the arrays of the map (KIND.c). */
pdessm_status pdessm_fit_whiten(const pdessm_fit_job *job, const pdessm_watch *watch,
                                pdessm_precondition *map);
pdessm_status pdessm_fit_spectral(const pdessm_fit_job *job, const pdessm_watch *watch,
                                  pdessm_precondition *map);
pdessm_status pdessm_fit_realnvp(const pdessm_fit_job *job, const pdessm_watch *watch,
                                 pdessm_precondition *map);
/* Makes the map too, because the network decides how many numbers it has. */
pdessm_status pdessm_fit_flow(const pdessm_fit_job *job, const pdessm_watch *watch,
                              const pdessm_precondition_info *info, pdessm_precondition **ret);

#endif
