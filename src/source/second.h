/*
 * second: when the next sample is due, so that every second of the wall clock holds exactly one.
 */
#pragma once

#include "base/base.h"

/* Milliseconds from now_ms until shortly after the next full second; 500 to 1,499, so that neither
   a late turn nor a corrected clock makes two samples of one second or leaves one out for good. */
int64_t bn_second_after_ms(int64_t now_ms);
