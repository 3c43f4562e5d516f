/*
 * time_units.h: units of time.  Those in nanoseconds are as wide as times are, and so are products
 * with them.
 */
#ifndef SYSCLAMP_TIME_UNITS_H
#define SYSCLAMP_TIME_UNITS_H

#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

enum { MS_PER_S = 1000, US_PER_MS = 1000 };

#endif
