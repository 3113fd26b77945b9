#include <math.h>
#include <stdatomic.h>

#include "host_machine.h"
#include "source/host_parts.h"

static atomic_bool nas_hangs;
static atomic_bool nas_fails;
static atomic_int nas_asked;

/* /mnt/nas answers when it may; /mnt/share is full to the last byte for people without privilege.
 */
static bool recorded_size(const char *path, struct bn_fs_size *out)
{
    if (strcmp(path, "/mnt/nas") == 0) {
        atomic_fetch_add(&nas_asked, 1);
        while (atomic_load(&nas_hangs))
            usleep(1000);
        *out = (struct bn_fs_size){5000, 1000, 1000, 0, 0};
        return !atomic_load(&nas_fails);
    }

    static const struct {
        const char *path;
        struct bn_fs_size size;
    } known[] = {
            {"/", {100000, 40000, 30000, 1000, 400}},
            {"/boot/efi", {512, 256, 256, 0, 0}},
            {"/tmp", {1000, 1000, 1000, 10, 9}},
            {"/run", {2000, 1500, 1500, 20, 10}},
            {"/srv/backup disk", {8000, 1000, 1000, 80, 70}},
            {"/mnt/old", {8000, 1000, 1000, 80, 70}},
            {"/tank", {0, 0, 0, 0, 0}},
            {"/tank/vm", {100, 200, 200, 10, 20}},
            {"/mnt/share", {900, 90, 0, 0, 0}},
    };

    for (size_t i = 0; i < COUNT(known); i++)
        if (strcmp(known[i].path, path) == 0) {
            *out = known[i].size;
            return true;
        }
    return false;
}

static void begin(struct machine *m)
{
    atomic_store(&nas_hangs, false);
    atomic_store(&nas_fails, false);
    atomic_store(&nas_asked, 0);
    machine_start(m, "bare64", recorded_size);
    machine_sample(m);
}

static int64_t total_of(struct machine *m, const char *id)
{
    return MACHINE_ROW(m, MOUNT, mount, id)->total_bytes;
}

/* Threads answer when they like: samples without time passing until one has, at most five seconds.
 */
static bool comes_to(struct machine *m, const char *id, int64_t want)
{
    for (int i = 0; i < 5000 && total_of(m, id) != want; i++) {
        usleep(1000);
        machine_sample(m);
    }
    return total_of(m, id) == want;
}

BN_TEST(real_file_systems_are_told_once_per_device)
{
    static const char *const told[] = {"/", "/boot/efi", "/tmp", "/run", "/srv/backup disk",
            "/tank", "/tank/vm", "/mnt/nas", "/mnt/share", "/mnt/sftp"};
    struct machine m;
    begin(&m);
    size_t count = 0;
    for (size_t i = 0; i < m.row_count; i++)
        count += m.rows[i].kind == BN_KIND_MOUNT;
    CHECK_INT(count, COUNT(told));
    for (size_t i = 0; i < COUNT(told); i++)
        CHECK(machine_find(&m, BN_KIND_MOUNT, told[i]) != NULL);
    const struct bn_mount *root = MACHINE_ROW(&m, MOUNT, mount, "/");
    CHECK_STR(root->device, "/dev/mapper/vg0-root");
    CHECK_STR(root->type, "ext4");
    CHECK_INT(root->read_only, 0);
    CHECK_INT(root->total_bytes, 100000);
    CHECK_INT(root->used_bytes, 60000);
    CHECK_INT(root->available_bytes, 30000);
    CHECK_NEAR(root->used_pct, 200.0 / 3, 1e-9);
    CHECK_INT(root->inodes_total, 1000);
    CHECK_INT(root->inodes_used, 600);
    CHECK_INT(MACHINE_ROW(&m, MOUNT, mount, "/boot/efi")->inodes_total, BN_UNKNOWN);
    CHECK_NEAR(MACHINE_ROW(&m, MOUNT, mount, "/tmp")->used_pct, 0, 1e-9);
    CHECK_INT(MACHINE_ROW(&m, MOUNT, mount, "/mnt/share")->read_only, 1);
    machine_stop(&m);
}

BN_TEST(sizes_that_cannot_be_are_unknown)
{
    struct machine m;
    begin(&m);
    CHECK_INT(total_of(&m, "/tank"), BN_UNKNOWN);
    CHECK_INT(total_of(&m, "/tank/vm"), BN_UNKNOWN);
    CHECK(isnan(MACHINE_ROW(&m, MOUNT, mount, "/tank/vm")->used_pct));
    CHECK(comes_to(&m, "/mnt/share", 900));
    CHECK_NEAR(MACHINE_ROW(&m, MOUNT, mount, "/mnt/share")->used_pct, 100, 1e-9);
    machine_stop(&m);
}

BN_TEST(sizes_are_read_every_ten_seconds_and_told_every_second)
{
    struct machine m;
    begin(&m);
    size_t told = m.told;
    machine_put(&m, "proc/self/mountinfo", "31 1 253:0 / / rw - ext4 /dev/vda ro\n");
    for (int i = 0; i < 9; i++) {
        machine_wait_ms(&m, 1000);
        machine_sample(&m);
    }
    CHECK(m.told - told >= 9 * 10);
    CHECK_INT(MACHINE_ROW(&m, MOUNT, mount, "/")->read_only, 0);
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK_INT(MACHINE_ROW(&m, MOUNT, mount, "/")->read_only, 1);
    CHECK_STR(MACHINE_ROW(&m, MOUNT, mount, "/")->device, "/dev/vda");
    CHECK(machine_find(&m, BN_KIND_MOUNT, "/mnt/nas") == NULL);
    CHECK_INT(m.gone, 9);
    machine_stop(&m);
}

static void look_at(struct machine *m, const char *mountinfo)
{
    machine_put(m, "proc/self/mountinfo", mountinfo);
    machine_wait_ms(m, 10000);
    machine_sample(m);
}

static size_t mount_count(struct machine *m)
{
    size_t count = 0;
    for (size_t i = 0; i < m->row_count; i++)
        count += m->rows[i].kind == BN_KIND_MOUNT;
    return count;
}

BN_TEST(of_several_places_of_a_file_system_the_shortest_of_the_whole_is_told)
{
    struct machine m;
    begin(&m);
    look_at(&m, "1 0 8:1 /old /mnt/old rw - xfs /dev/sda1 rw\n"
                "2 0 8:1 / /srv/backup\\040disk rw - xfs /dev/sda1 rw\n");
    CHECK_INT(mount_count(&m), 1);
    CHECK(machine_find(&m, BN_KIND_MOUNT, "/srv/backup disk") != NULL);
    /* Subvolumes: no place is the whole. */
    look_at(&m, "1 0 0:30 /@home /mnt/old rw - btrfs /dev/sdb1 rw\n"
                "2 0 0:30 /@ / rw - btrfs /dev/sdb1 rw\n");
    CHECK_INT(mount_count(&m), 1);
    CHECK(machine_find(&m, BN_KIND_MOUNT, "/") != NULL);
    machine_stop(&m);
}

BN_TEST(single_files_in_a_container_are_no_file_systems)
{
    struct machine m;
    begin(&m);
    look_at(&m, "1 0 0:90 / / rw - overlay overlay rw\n"
                "2 1 8:1 /var/lib/docker/containers/0/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
                "3 1 8:1 /srv/data /mnt/old rw - ext4 /dev/sda1 rw\n");
    CHECK_INT(mount_count(&m), 2);
    CHECK_STR(MACHINE_ROW(&m, MOUNT, mount, "/")->type, "overlay");
    CHECK(machine_find(&m, BN_KIND_MOUNT, "/mnt/old") != NULL);
    machine_stop(&m);
}

BN_TEST(a_mount_hidden_by_a_later_one_is_not_told)
{
    struct machine m;
    begin(&m);
    look_at(&m, "1 0 8:1 / /tank rw - ext4 /dev/sda1 rw\n"
                "2 1 0:77 / /tank rw - proc proc rw\n"
                "3 0 8:2 / / rw - ext4 /dev/sda2 rw\n"
                "4 3 8:3 / / rw - xfs /dev/sda3 rw\n");
    CHECK_INT(mount_count(&m), 1);
    CHECK_STR(MACHINE_ROW(&m, MOUNT, mount, "/")->type, "xfs");
    machine_stop(&m);
}

BN_TEST(long_and_strange_mount_points_have_ids_of_their_own)
{
    char text[2048];
    char deep[256];
    struct machine m;
    begin(&m);
    memset(deep, 'd', sizeof deep);
    deep[sizeof deep - 1] = 0;
    snprintf(text, sizeof text,
            "1 0 8:1 / /%s/a rw - ext4 /dev/sda1 rw\n"
            "2 0 8:2 / /%s/b rw - ext4 /dev/sda2 rw\n"
            "3 0 8:3 / /bad\xFF rw - ext4 /dev/sda3 rw\n"
            "4 0 8:4 / /bad\xFE rw - ext4 /dev/sda4 rw\n",
            deep, deep);
    look_at(&m, text);
    CHECK_INT(mount_count(&m), 4); /* the listener has checked that each id is valid text */
    look_at(&m, text);
    CHECK_INT(mount_count(&m), 4);
    machine_stop(&m);
}

/* --- network -----------------------------------------------------------------------------------
 */

BN_TEST(a_network_file_system_answers_from_its_own_thread)
{
    struct machine m;
    begin(&m);
    CHECK(comes_to(&m, "/mnt/nas", 5000));
    CHECK_STR(MACHINE_ROW(&m, MOUNT, mount, "/mnt/nas")->device, "192.0.2.40:/export/nas");
    CHECK_STR(MACHINE_ROW(&m, MOUNT, mount, "/mnt/sftp")->type, "fuse.sshfs");
    CHECK_INT(total_of(&m, "/mnt/sftp"), BN_UNKNOWN);
    machine_stop(&m);
}

BN_TEST(one_that_hangs_holds_up_nobody_and_loses_its_sizes_after_fifteen_seconds)
{
    struct machine m;
    begin(&m);
    CHECK(comes_to(&m, "/mnt/nas", 5000));
    CHECK(comes_to(&m, "/mnt/share", 900));
    atomic_store(&nas_hangs, true);
    for (int i = 0; i < 10; i++) {
        machine_wait_ms(&m, 1000);
        machine_sample(&m);
    }
    for (int i = 0; i < 15; i++) {
        CHECK_INT(total_of(&m, "/mnt/nas"), 5000);
        machine_wait_ms(&m, 1000);
        machine_sample(&m);
    }
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK_INT(total_of(&m, "/mnt/nas"), BN_UNKNOWN);
    CHECK(comes_to(&m, "/mnt/share", 900)); /* its thread may have had no turn for so long */
    CHECK_INT(total_of(&m, "/"), 100000);
    for (int i = 0; i < 5000 && atomic_load(&nas_asked) < 2; i++)
        usleep(1000);                      /* its thread may not have had its turn yet */
    CHECK_INT(atomic_load(&nas_asked), 2); /* and nobody asks a second time meanwhile */
    atomic_store(&nas_hangs, false);
    CHECK(comes_to(&m, "/mnt/nas", 5000));
    machine_stop(&m);
}

BN_TEST(the_end_does_not_wait_for_one_that_hangs)
{
    struct machine m;
    begin(&m);
    CHECK(comes_to(&m, "/mnt/nas", 5000));
    atomic_store(&nas_hangs, true);
    machine_wait_ms(&m, 10000);
    machine_sample(&m);
    for (int i = 0; i < 5000 && atomic_load(&nas_asked) < 2; i++)
        usleep(1000);
    machine_stop(&m); /* would wait for ever */
    atomic_store(&nas_hangs, false);
    usleep(20000); /* what was left behind frees itself: the leak checker looks at the end */
}

BN_TEST(one_that_refuses_has_no_sizes)
{
    struct machine m;
    begin(&m);
    CHECK(comes_to(&m, "/mnt/nas", 5000));
    atomic_store(&nas_fails, true);
    machine_wait_ms(&m, 10000);
    CHECK(comes_to(&m, "/mnt/nas", BN_UNKNOWN));
    machine_stop(&m);
}

/* As ProtectSystem=strict, PrivateTmp= and PrivateDevices= show the same machine to a service. */
BN_TEST(a_cage_of_ours_is_not_taken_for_read_only_file_systems)
{
    struct machine m;
    machine_start(&m, "bare64", recorded_size);
    machine_put(&m, "proc/self/mountinfo",
            "31 1 253:0 / / ro,relatime - ext4 /dev/mapper/vg0-root rw,errors=remount-ro\n"
            "40 31 259:1 / /boot/efi ro,relatime - vfat /dev/nvme0n1p1 rw\n"
            "41 31 0:40 / /tmp ro,nosuid - tmpfs tmpfs rw\n"
            "42 41 0:40 /systemd-private-1/tmp /tmp rw,nosuid - tmpfs tmpfs rw\n"
            "44 31 0:45 / /tank ro - zfs tank ro\n"
            "50 31 253:0 /var/lib/private/binnacle /var/lib/private/binnacle rw - ext4 "
            "/dev/mapper/vg0-root rw\n");
    machine_sample(&m);
    CHECK_INT(MACHINE_ROW(&m, MOUNT, mount, "/")->read_only, 0);
    CHECK_INT(MACHINE_ROW(&m, MOUNT, mount, "/boot/efi")->read_only, 0);
    CHECK_INT(MACHINE_ROW(&m, MOUNT, mount, "/tmp")->read_only, 0);
    CHECK_INT(MACHINE_ROW(&m, MOUNT, mount, "/tmp")->total_bytes, 1000);
    CHECK_INT(MACHINE_ROW(&m, MOUNT, mount, "/tank")->read_only, 1);
    CHECK(machine_find(&m, BN_KIND_MOUNT, "/var/lib/private/binnacle") == NULL);
    machine_stop(&m);
}

BN_TEST_MAIN()
