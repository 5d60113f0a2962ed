/* SPDX-License-Identifier: MIT */
/* rows.c: settings.def as a table. */
#include <stddef.h>

#include "run/settings.h"

enum {
    FIXED = PDESSM_SETTING_FIXED,
    CALL = PDESSM_SETTING_CALL,
    COMMON = PDESSM_SETTING_COMMON,
    RARE = PDESSM_SETTING_RARE,
    UNSET = 1 << 8, /* what the rule says */
    PRESET = 1 << 9,
    PDE = 0, /* what only configurations are asked for */
    MIXING = 0,
};

#define HEADING_BASIC "Basic options"
#define HEADING_DATA "Data"
#define HEADING_MODEL "Model"
#define HEADING_TRAINING "Training"
#define HEADING_REFLOW "Reflow"
#define HEADING_MULTISCALE "Several resolutions"
#define HEADING_PRECONDITION "Preconditioning"
#define HEADING_OUTPUT "Checkpoints and logs"

/* A row as it is typed; pdessm_setting says what its flags mean. */
#define ROW(member_, kind_, option, letter_, argument_, heading_, flags_, least_, most_, list,     \
            text)                                                                                  \
    {.name = option,                                                                               \
     .letter = letter_,                                                                            \
     .rule = {.kind = PDESSM_VALUE_##kind_,                                                        \
              .least = (flags_)&PRESET ? 0 : (least_),                                             \
              .most = most_,                                                                       \
              .words = list,                                                                       \
              .zero_word = (flags_)&PRESET ? "preset" : NULL,                                      \
              .zero_is_unset = ((flags_)&UNSET) != 0},                                             \
     .offset = offsetof(pdessm_run_settings, member_),                                             \
     .argument = argument_,                                                                        \
     .heading = heading_,                                                                          \
     .help = text,                                                                                 \
     .flags = flags_},

#define DROP(...)
#define KEEP(...) __VA_ARGS__
#define OF_RUN KEEP
#define OF_TRAIN KEEP
#define OF_MODEL KEEP
#define OF_TRAINER DROP
#define OF_CONFIG DROP

static const pdessm_setting rows[] = {
#define PDESSM_WHOLE(owner, member, option, letter, argument, group, flags, initial, least, most,  \
                     text)                                                                         \
    OF_##owner(ROW(member, WHOLE, option, letter, argument, HEADING_##group, flags, least, most,   \
                   NULL, text))
#define PDESSM_REAL(owner, member, option, letter, argument, group, flags, initial, least, most,   \
                    text)                                                                          \
    OF_##owner(ROW(member, REAL, option, letter, argument, HEADING_##group, flags, least, most,    \
                   NULL, text))
#define PDESSM_FLAG(owner, member, option, group, flags, text)                                     \
    OF_##owner(ROW(member, FLAG, option, 0, NULL, HEADING_##group, flags, 0, 0, NULL, text))
#define PDESSM_CHOICE(owner, member, type, LIST, option, group, flags, initial, text)              \
    OF_##owner(ROW(member, CHOICE, option, 0, NULL, HEADING_##group, flags, 0, 0,                  \
                   PDESSM_WORDS(LIST), text))
#define PDESSM_TEXT(owner, member, option, letter, argument, group, flags, initial, text)          \
    OF_##owner(                                                                                    \
        ROW(member, TEXT, option, letter, argument, HEADING_##group, flags, 0, 0, argument, text))
#define PDESSM_SIZE(owner, member, option, argument, group, flags, least, most, text)              \
    OF_##owner(                                                                                    \
        ROW(member, SIZE, option, 0, argument, HEADING_##group, flags, least, most, NULL, text))
#include <pdessm/settings.def>
};

const pdessm_setting *pdessm_run_settings_rows(int *ret_count) {
    *ret_count = sizeof rows / sizeof *rows;
    return rows;
}

void *pdessm_setting_of(const pdessm_setting *row, pdessm_run_settings *settings) {
    return (char *)settings + row->offset;
}
