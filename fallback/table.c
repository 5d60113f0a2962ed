/* SPDX-License-Identifier: MIT */
/* table.c: the table of one instruction set. */
#include "fallback.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const pdessm_fallback PDESSM_PASTE3(pdessm_, fallback, PDESSM_ISA) = {.isa = TEXT(PDESSM_ISA),
#define F(type, name, arguments) .name = FALLBACK(name),
                                                                      PDESSM_FALLBACK_LIST(F)
#undef F
};
