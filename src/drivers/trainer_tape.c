/* SPDX-License-Identifier: MIT */
/* trainer_tape.c: the tape of one run, by what the network is for. */
#include "drivers/trainer.h"

/* Flow matching: x_t = (1 - t) z + t x, v = x - z, loss = mean (v_theta(x_t, t, y) - v)^2. */
static pdessm_tensor *velocity_loss(pdessm_trainer *t, const int64_t image[4]) {
    pdessm_graph *g = t->graph;
    pdessm_tensor *x_t, *v;
    t->noise = pdessm_graph_input(g, PDESSM_FLOAT32, 4, image);
    t->time = pdessm_graph_input(g, PDESSM_FLOAT32, 1, image);
    pdessm_flow_path(g, t->image, t->noise, t->time, &x_t, &v);
    return pdessm_mse_loss(g, pdessm_model_velocity(t->model, g, x_t, t->time, t->label), v);
}

/* Classification: loss = mean -log p_theta(y | x), smoothed. */
static pdessm_tensor *class_loss(pdessm_trainer *t) {
    pdessm_tensor *logits = pdessm_model_logits(t->model, t->graph, t->image, NULL);
    return pdessm_cross_entropy(t->graph, logits, t->label, t->options.label_smoothing);
}

pdessm_status pdessm_trainer_record(pdessm_trainer *t) {
    pdessm_status status = PDESSM_OK;
    const pdessm_config *c = &t->model->config;
    const int64_t image[] = {t->options.batch, c->channels, c->image_size[0], c->image_size[1]};
    PDESSM_TRY(pdessm_graph_create(t->device, &t->graph));
    t->image = pdessm_graph_input(t->graph, PDESSM_FLOAT32, 4, image);
    t->label = pdessm_graph_input(t->graph, PDESSM_INT32, 1, image);
    t->loss = pdessm_trainer_classifies(t) ? class_loss(t) : velocity_loss(t, image);
    PDESSM_TRY(pdessm_graph_plan(t->graph, t->loss));
    PDESSM_TRY(pdessm_graph_set_loss_scale(t->graph, 1.0 / t->options.accumulate));
out:
    return status;
}
