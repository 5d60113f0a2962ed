/* SPDX-License-Identifier: MIT */
/* fuzz_csv.c: tables that are none. */
#include "fuzz.h"

#include "files/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    pdessm_context *ctx = fuzz_context();
    pdessm_table table = {0};
    const pdessm_status status =
        pdessm_csv_decode(ctx, "fuzz", (const char *)data, size, FUZZ_MAX_BYTES, &table);
    fuzz_judge(ctx, status);
    /* Every number that is said to be there is looked at. */
    volatile double sum = 0;
    for (int64_t i = 0; status == PDESSM_OK && i < table.rows * table.columns; i++)
        sum = sum + table.value[i];
    for (int64_t i = 0; table.name && i < table.columns; i++)
        sum = sum + (double)table.name[i][0];
    pdessm_table_release(&table);
    return 0;
}
