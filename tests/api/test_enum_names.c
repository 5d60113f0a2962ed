/* SPDX-License-Identifier: MIT */
/* test_enum_names.c: names of enums lead there and back; what else the library says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pdessm/build.h>
#include <pdessm/pdessm.h>
#include <pdessm/research.h>
#include <pdessm/train.h>

static int make_context(void **state) {
    pdessm_context *ctx = NULL;
    const pdessm_status status = pdessm_context_create(NULL, &ctx);
    *state = ctx;
    return status != PDESSM_OK;
}

static int destroy_context(void **state) {
    pdessm_context *ctx = *state;
    pdessm_context_destroy(&ctx);
    return 0;
}

/* Each of `count` values has a name that is found again; nothing else has a name or is found, and
 * the message lists the last value's. */
#define ASSERT_THERE_AND_BACK(type, count, name, find)                                             \
    do {                                                                                           \
        type found_;                                                                               \
        for (int i_ = 0; i_ < (int)(count); i_++) {                                                \
            assert_int_equal(find(*state, name((type)i_), &found_), PDESSM_OK);                    \
            assert_int_equal(found_, i_);                                                          \
        }                                                                                          \
        assert_null(name((type)(count)));                                                          \
        assert_null(name((type)-1));                                                               \
        assert_int_equal(find(*state, "no-such", &found_), PDESSM_ERROR_ARGUMENT);                 \
        assert_non_null(strstr(pdessm_context_error(*state), name((type)((int)(count)-1))));       \
    } while (0)

static void names_go_there_and_back(void **state) {
    ASSERT_THERE_AND_BACK(pdessm_split, PDESSM_SPLIT_TEST + 1, pdessm_split_name,
                          pdessm_split_find);
    ASSERT_THERE_AND_BACK(pdessm_resize, PDESSM_RESIZE_CROP + 1, pdessm_resize_name,
                          pdessm_resize_find);
    ASSERT_THERE_AND_BACK(pdessm_layout, PDESSM_LAYOUT_NHWC + 1, pdessm_layout_name,
                          pdessm_layout_find);
    ASSERT_THERE_AND_BACK(pdessm_solution, PDESSM_FORCED + 1, pdessm_solution_name,
                          pdessm_solution_find);
    ASSERT_THERE_AND_BACK(pdessm_mixer, PDESSM_MIXER_CONV + 1, pdessm_mixer_name,
                          pdessm_mixer_find);
    ASSERT_THERE_AND_BACK(pdessm_model_task, PDESSM_TASK_CLASSIFY + 1, pdessm_model_task_name,
                          pdessm_model_task_find);
    ASSERT_THERE_AND_BACK(pdessm_local, PDESSM_LOCAL_CONV3X3 + 1, pdessm_local_name,
                          pdessm_local_find);
    ASSERT_THERE_AND_BACK(pdessm_padding, PDESSM_PADDING_ZERO + 1, pdessm_padding_name,
                          pdessm_padding_find);
    ASSERT_THERE_AND_BACK(pdessm_prior, PDESSM_PRIOR_GAUSSIAN + 1, pdessm_prior_name,
                          pdessm_prior_find);
    ASSERT_THERE_AND_BACK(pdessm_schedule, PDESSM_SCHEDULE_COSINE + 1, pdessm_schedule_name,
                          pdessm_schedule_find);
    ASSERT_THERE_AND_BACK(pdessm_time_law, PDESSM_TIME_LOGIT_NORMAL + 1, pdessm_time_law_name,
                          pdessm_time_law_find);
    ASSERT_THERE_AND_BACK(pdessm_coupling, PDESSM_COUPLING_PAIRS + 1, pdessm_coupling_name,
                          pdessm_coupling_find);
    ASSERT_THERE_AND_BACK(pdessm_resolution, PDESSM_RESOLUTION_MGE + 1, pdessm_resolution_name,
                          pdessm_resolution_find);
    ASSERT_THERE_AND_BACK(pdessm_landscape_function, PDESSM_LANDSCAPE_COUNT,
                          pdessm_landscape_function_name, pdessm_landscape_function_find);
    ASSERT_THERE_AND_BACK(pdessm_lambda_rule, PDESSM_LAMBDA_COUPLED + 1, pdessm_lambda_rule_name,
                          pdessm_lambda_rule_find);
    ASSERT_THERE_AND_BACK(pdessm_homotopy_step, PDESSM_STEP_ADAM + 1, pdessm_homotopy_step_name,
                          pdessm_homotopy_step_find);
    ASSERT_THERE_AND_BACK(pdessm_solver, PDESSM_DOPRI5 + 1, pdessm_solver_name, pdessm_solver_find);
    ASSERT_THERE_AND_BACK(pdessm_precondition_kind, PDESSM_PRECONDITION_KINDS,
                          pdessm_precondition_name, pdessm_precondition_find);
    ASSERT_THERE_AND_BACK(pdessm_gnn_kind, PDESSM_GNN_COUNT, pdessm_gnn_name, pdessm_gnn_find);
    ASSERT_THERE_AND_BACK(pdessm_graph_train_method, PDESSM_GRAPH_TRAIN_COUNT,
                          pdessm_graph_train_method_name, pdessm_graph_train_method_find);
    ASSERT_THERE_AND_BACK(pdessm_pooling, PDESSM_POOLING_COUNT, pdessm_pooling_name,
                          pdessm_pooling_find);
    ASSERT_THERE_AND_BACK(pdessm_optimize_method, PDESSM_OPTIMIZE_COUNT, pdessm_optimize_name,
                          pdessm_optimize_find);
}

static void endings_have_words(void **state) {
    (void)state;
    assert_string_equal(pdessm_optimize_ending_text(PDESSM_ENDED_BUDGET), "budget spent");
    assert_string_equal(pdessm_optimize_ending_text(PDESSM_ENDED_CONVERGED), "converged");
    assert_string_equal(pdessm_optimize_ending_text(PDESSM_ENDED_CANCELLED), "cancelled");
    assert_string_equal(pdessm_optimize_ending_text(PDESSM_ENDED_FAILED), "nothing finite left");
}

static void element_types_have_sizes(void **state) {
    (void)state;
    assert_int_equal(pdessm_dtype_size(PDESSM_FLOAT32), 4);
    assert_int_equal(pdessm_dtype_size(PDESSM_INT32), 4);
    assert_int_equal(pdessm_file_dtype_size(PDESSM_FILE_BF16), 2);
    assert_int_equal(pdessm_file_dtype_size(PDESSM_FILE_I64), 8);
    assert_string_equal(pdessm_file_dtype_name(PDESSM_FILE_BF16), "BF16");
    assert_string_equal(pdessm_file_dtype_name(PDESSM_FILE_BOOL), "BOOL");
}

/* What a plan says of itself: a product of [3, 4] and [5, 4]^T. */
static void tapes_and_tensors_tell_what_they_are(void **state) {
    pdessm_device *device = NULL;
    pdessm_tape *tape = NULL;
    pdessm_tensor *weight = NULL;
    assert_int_equal(pdessm_device_open(*state, "cpu", &device), PDESSM_OK);
    assert_int_equal(pdessm_tensor_create(device, PDESSM_FLOAT32, 2, (int64_t[]){5, 4}, &weight),
                     PDESSM_OK);
    assert_int_equal(pdessm_tape_create(device, &tape), PDESSM_OK);
    pdessm_tensor *x = pdessm_tape_input(tape, PDESSM_FLOAT32, 2, (int64_t[]){3, 4});
    pdessm_tensor *y = pdessm_linear(tape, x, pdessm_tape_parameter(tape, weight, NULL), NULL, 1);
    pdessm_tape_output(tape, y);
    assert_int_equal(pdessm_tape_plan(tape, NULL), PDESSM_OK);
    const pdessm_tape_info info = pdessm_tape_get_info(tape);
    assert_int_equal(info.forward_calls, 1);
    assert_int_equal(info.backward_calls, 0);
    assert_true(info.forward_flops == 2.0 * 3 * 4 * 5);
    assert_true(info.bytes >= 3 * 5 * 4);
    assert_int_equal(pdessm_tensor_dtype(y), PDESSM_FLOAT32);
    assert_int_equal(pdessm_tensor_rank(y), 2);
    pdessm_tape_destroy(&tape);
    pdessm_tensor_destroy(&weight);
    pdessm_device_destroy(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_there_and_back),
        cmocka_unit_test(endings_have_words),
        cmocka_unit_test(element_types_have_sizes),
        cmocka_unit_test(tapes_and_tensors_tell_what_they_are),
    };
    return cmocka_run_group_tests(tests, make_context, destroy_context);
}
