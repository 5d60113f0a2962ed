/* SPDX-License-Identifier: MIT */
/* option.c: the rule by which the value of an option is read and printed. */
#include "option.h"

pdessm_value_rule pdessm_cli_rule_of(const cli_option *o) {
    return (pdessm_value_rule){.kind = (pdessm_value_kind)o->kind,
                               .least = o->least,
                               .most = o->most,
                               .words = o->kind == CLI_TEXT ? o->argument : o->choices,
                               .zero_word = o->zero_word,
                               .zero_is_unset = o->zero_is_unset};
}
