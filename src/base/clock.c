#include "base/clock.h"

#include <string.h>
#include <time.h>

#define DAY_MS      INT64_C(86400000)
#define WALL_MIN_MS INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define WALL_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

void bn_clock_read(struct bn_clock *clock)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock->now_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
    clock->mono_ms = bn_clock_mono_ns() / 1000000;
}

int64_t bn_clock_mono_ns(void)
{
    struct timespec mono;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    return (int64_t)mono.tv_sec * 1000000000 + mono.tv_nsec;
}

/* Both directions count in years that begin in March, so that the leap day comes last and the
   months before it have fixed lengths; an era is 400 years of 146,097 days. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int *out_year, int *out_month, int *out_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
                                  day_of_era / 146096) /
                          365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march = (5 * day_of_year + 2) / 153;
    *out_day = (int)(day_of_year - (153 * march + 2) / 5 + 1);
    *out_month = (int)(march < 10 ? march + 3 : march - 9);
    *out_year = (int)(year_of_era + era * 400 + (*out_month <= 2));
}

static void put_digits(char *out, int n, int value)
{
    while (n > 0) {
        out[--n] = (char)('0' + value % 10);
        value /= 10;
    }
}

void bn_time_text(int64_t wall_ms, char out[BN_TIME_TEXT_SIZE])
{
    int64_t ms = BN_MIN(BN_MAX(wall_ms, WALL_MIN_MS), WALL_MAX_MS);
    int64_t days = ms / DAY_MS;
    int rest = (int)(ms % DAY_MS);
    if (rest < 0) {
        rest += (int)DAY_MS;
        days--;
    }
    int year;
    int month;
    int day;
    date_of(days, &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00.000Z", BN_TIME_TEXT_SIZE);
    put_digits(out, 4, year);
    put_digits(out + 5, 2, month);
    put_digits(out + 8, 2, day);
    put_digits(out + 11, 2, rest / 3600000);
    put_digits(out + 14, 2, rest / 60000 % 60);
    put_digits(out + 17, 2, rest / 1000 % 60);
    put_digits(out + 20, 3, rest % 1000);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* -1 when one of the n bytes is no digit. */
static int read_digits(const char *p, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (!is_digit(p[i]))
            return -1;
        value = value * 10 + (p[i] - '0');
    }
    return value;
}

static int month_days(int year, int month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* "2026-11-20T19:57:04", 19 bytes. */
static bool read_date_time(const char *p, int64_t *out_ms)
{
    int year = read_digits(p, 4);
    int month = read_digits(p + 5, 2);
    int day = read_digits(p + 8, 2);
    int hour = read_digits(p + 11, 2);
    int minute = read_digits(p + 14, 2);
    int second = read_digits(p + 17, 2);
    if (p[4] != '-' || p[7] != '-' || (p[10] | 0x20) != 't' || p[13] != ':' || p[16] != ':')
        return false;
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0)
        return false;
    /* RFC 3339 5.7: a leap second ends an hour; it counts as the second after it. */
    if (second > 59 && !(second == 60 && minute == 59))
        return false;
    *out_ms = days_of(year, month, day) * DAY_MS +
              (((int64_t)hour * 60 + minute) * 60 + second) * 1000;
    return true;
}

/* "Z" or "+01:00" to the end. */
static bool read_offset(const char *p, const char *end, int64_t *out_ms)
{
    if (end - p == 1 && (*p | 0x20) == 'z') {
        *out_ms = 0;
        return true;
    }
    if (end - p != 6 || (*p != '+' && *p != '-') || p[3] != ':')
        return false;
    int hour = read_digits(p + 1, 2);
    int minute = read_digits(p + 4, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return false;
    int64_t ms = ((int64_t)hour * 60 + minute) * 60000;
    *out_ms = *p == '-' ? -ms : ms;
    return true;
}

bool bn_time_parse(const char *text, size_t len, int64_t *out_wall_ms)
{
    const char *p = text;
    const char *end = text + len;
    int64_t ms;
    if (len < 20 || !read_date_time(p, &ms))
        return false;
    p += 19;
    if (*p == '.') {
        const char *digits = ++p;
        for (int unit = 100; p < end && is_digit(*p); p++, unit /= 10)
            ms += (*p - '0') * unit;
        if (p == digits)
            return false;
    }
    int64_t offset;
    if (!read_offset(p, end, &offset))
        return false;
    *out_wall_ms = ms - offset;
    return true;
}
