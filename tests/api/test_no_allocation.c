/* SPDX-License-Identifier: MIT */
/* test_no_allocation.c: a training or sampling step allocates nothing. This program's malloc family
 * counts the calls that come from our own code: the library, which is linked in, and the OpenCL
 * module. What a driver does inside is its own affair. */
#define _GNU_SOURCE
#include "api.h"

#include <dlfcn.h>
#include <stdatomic.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static atomic_int counting, ours;
static _Thread_local int inside; /* dladdr may allocate */
static void *first_caller;

static void count(void *caller) {
    Dl_info info;
    if (!atomic_load(&counting) || inside)
        return;
    inside = 1;
    if (dladdr(caller, &info) && info.dli_fname &&
        (strstr(info.dli_fname, "no_allocation") || strstr(info.dli_fname, "pdessm"))) {
        if (atomic_fetch_add(&ours, 1) == 0)
            first_caller = caller;
    }
    inside = 0;
}

void *malloc(size_t size) {
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    count(__builtin_return_address(0));
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size) {
    count(__builtin_return_address(0));
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    *ret = __libc_memalign(alignment, size);
    return *ret ? 0 : 12;
}

/* ------------------------------------------------------------------ tests */

static void start(void) {
    atomic_store(&ours, 0);
    atomic_store(&counting, 1);
}

static void assert_nothing(const char *what) {
    atomic_store(&counting, 0);
    int calls = atomic_load(&ours);
    Dl_info info = {0};
    if (calls && dladdr(first_caller, &info))
        fail_msg("%s allocates %d times; first in %s, at %s+%#tx (addr2line -e)", what, calls,
                 info.dli_sname ? info.dli_sname : "?", info.dli_fname,
                 (char *)first_caller - (char *)info.dli_fbase);
}

/* The counter counts: else a test that finds nothing would prove nothing. */
static void the_counter_works(void **state) {
    api *a = *state;
    int64_t n = 3;
    pdessm_tensor *t = NULL;
    start();
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 1, &n, &t));
    atomic_store(&counting, 0);
    assert_true(atomic_load(&ours) > 0);
    pdessm_tensor_destroy(&t);
}

static void training_allocates_nothing(api *a, pdessm_mixer mixer, const char *route,
                                       pdessm_coupling coupling) {
    pdessm_train_options o = pdessm_train_defaults();
    pdessm_config config = api_config(mixer);
    pdessm_train_report report;
    pdessm_trainer *t = NULL;
    o.batch = 4;
    o.accumulate = 2;
    o.coupling = coupling;
    assert_ok(a, pdessm_device_route(a->device, route));
    assert_ok(a, pdessm_trainer_create(a->device, a->data, &config, &o, &t));
    for (int i = 0; i < 4; i++) /* caches fill: kernels, plans, scratch */
        assert_ok(a, pdessm_trainer_step(t));
    assert_ok(a, pdessm_trainer_report(t, &report));
    int64_t memory = pdessm_device_memory(a->device, NULL);
    start();
    for (int i = 0; i < 10; i++)
        assert_ok(a, pdessm_trainer_step(t));
    assert_nothing("a training step");
    assert_int_equal(pdessm_device_memory(a->device, NULL), memory);
    assert_ok(a, pdessm_trainer_report(t, &report));
    assert_int_equal(report.bad_steps, 0);
    pdessm_trainer_destroy(&t);
}

static void training_pde(void **state) {
    training_allocates_nothing(*state, PDESSM_MIXER_PDE, "", PDESSM_COUPLING_INDEPENDENT);
}

static void training_attention(void **state) {
    training_allocates_nothing(*state, PDESSM_MIXER_ATTENTION, "", PDESSM_COUPLING_INDEPENDENT);
}

static void training_in_two_places(void **state) {
    training_allocates_nothing(*state, PDESSM_MIXER_PDE, "host:linear,spectral_filter",
                               PDESSM_COUPLING_INDEPENDENT);
}

static void training_on_coupled_noise(void **state) {
    training_allocates_nothing(*state, PDESSM_MIXER_PDE, "", PDESSM_COUPLING_OT);
    training_allocates_nothing(*state, PDESSM_MIXER_PDE, "", PDESSM_COUPLING_PAIRS);
}

static int watch(void *user, double share) {
    int *calls = user;
    if (++*calls == 2)
        start();
    if (share > 0.9)
        atomic_store(&counting, 0);
    return 0;
}

static void sampling(void **state) {
    static const pdessm_solver solvers[] = {PDESSM_EULER, PDESSM_HEUN, PDESSM_DOPRI5};
    api *a = *state;
    const pdessm_config config = api_config(PDESSM_MIXER_PDE);
    const int32_t labels[] = {1, 2, 3};
    float images[3 * 3 * API_SIDE * API_SIDE];
    pdessm_model *model = NULL;
    assert_ok(a, pdessm_model_create(a->device, &config, 0, &model));
    api_perturb(a->ctx, model, 3);
    for (size_t i = 0; i < sizeof solvers / sizeof *solvers; i++) {
        int calls = 0;
        pdessm_sample_options o = pdessm_sample_defaults();
        o.solver = solvers[i];
        o.steps = 20;
        o.guidance = 2;
        o.progress = watch;
        o.user = &calls;
        assert_ok(a, pdessm_sample(model, &o, 3, labels, images, NULL));
        assert_true(calls > 3);
        assert_nothing("a sampling step");
    }
    pdessm_model_destroy(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(the_counter_works),         api_test(training_pde),
        api_test(training_attention),        api_test(training_in_two_places),
        api_test(training_on_coupled_noise), api_test(sampling),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
