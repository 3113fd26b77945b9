#include <malloc.h>

#include "base/base.h"

#include "bn_test.h"

struct thing {
    int number;
    struct bn_list link;
};

static struct thing *thing_of(struct bn_list *link)
{
    return container_of(link, struct thing, link);
}

/* "1 2 3" forwards; fails when the way back is another. */
static void check_list(struct bn_list *head, const char *want)
{
    char forwards[64] = "";
    size_t n = 0;
    bn_list_each(it, head) {
        n += (size_t)snprintf(forwards + n, sizeof forwards - n, "%s%d", n ? " " : "",
                thing_of(it)->number);
        CHECK(it->next->prev == it);
        CHECK(it->prev->next == it);
    }
    CHECK_STR(forwards, want);
}

BN_TEST(a_list_keeps_the_order_of_arrival)
{
    struct bn_list head;
    struct thing things[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    bn_list_init(&head);
    CHECK(bn_list_is_empty(&head));
    check_list(&head, "");
    for (size_t i = 0; i < COUNT(things); i++)
        bn_list_append(&head, &things[i].link);
    CHECK(!bn_list_is_empty(&head));
    check_list(&head, "1 2 3");
}

BN_TEST(leaving_a_list_twice_is_harmless)
{
    struct bn_list head;
    struct thing things[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    bn_list_init(&head);
    for (size_t i = 0; i < COUNT(things); i++)
        bn_list_append(&head, &things[i].link);
    bn_list_remove(&things[1].link);
    bn_list_remove(&things[1].link);
    CHECK(bn_list_is_empty(&things[1].link));
    check_list(&head, "1 3");
    bn_list_append(&head, &things[1].link);
    check_list(&head, "1 3 2");
}

BN_TEST(a_thing_may_leave_while_the_list_is_walked)
{
    struct bn_list head;
    struct thing things[] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    bn_list_init(&head);
    for (size_t i = 0; i < COUNT(things); i++)
        bn_list_append(&head, &things[i].link);
    bn_list_each_safe(it, next, &head)
        if (thing_of(it)->number % 2 == 0)
            bn_list_remove(it);
    check_list(&head, "1 3");
    bn_list_each_safe(it, next, &head)
        bn_list_remove(it);
    CHECK(bn_list_is_empty(&head));
}

BN_TEST(an_appending_before_a_link_puts_the_thing_there)
{
    struct bn_list head;
    struct thing things[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    bn_list_init(&head);
    bn_list_append(&head, &things[0].link);
    bn_list_append(&head, &things[2].link);
    bn_list_append(&things[2].link, &things[1].link);
    check_list(&head, "1 2 3");
}

BN_TEST(small_memory_is_zeroed_and_never_null)
{
    unsigned char *p = bn_alloc(64);
    for (size_t i = 0; i < 64; i++)
        CHECK_INT(p[i], 0);
    free(p);
    p = bn_alloc(0);
    CHECK(p != NULL);
    free(p);
    int *numbers = bn_alloc_array(4, sizeof *numbers);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(numbers[i], 0);
    numbers[3] = 9;
    numbers = bn_realloc(numbers, 400 * sizeof *numbers);
    CHECK_INT(numbers[3], 9);
    free(numbers);
    free(bn_alloc_array(0, 8));
    char *copy = bn_strdup("pve-3");
    CHECK_STR(copy, "pve-3");
    free(copy);
}

/* Their allocators end the process in their own way. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
BN_TEST(an_array_too_large_for_the_address_space_stops_the_process)
{
    size_t volatile half = SIZE_MAX / 2;
    CHECK_ABORTS(free(bn_alloc_array(half, 4)));
}

BN_TEST(large_memory_goes_back_when_it_is_freed_whatever_was_freed_before)
{
    bn_memory_prepare();
    size_t before = mallinfo2().hblks;
    for (int i = 0; i < 3; i++) {
        void *large = bn_alloc(1 << 20);
        void *smaller = bn_alloc(200 << 10);
        CHECK_INT(mallinfo2().hblks, before + 2);
        free(large);
        free(smaller);
        CHECK_INT(mallinfo2().hblks, before);
    }
}
#endif

BN_TEST(counts_and_extremes)
{
    int four[4];
    CHECK_INT(COUNT(four), 4);
    CHECK_INT(BN_MIN(2, 3), 2);
    CHECK_INT(BN_MAX(2, 3), 3);
}

BN_TEST_MAIN()
