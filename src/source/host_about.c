#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "source/host_parts.h"
#include "wire/procfs.h"

#define LOOK_EVERY_NS (60 * BN_SECOND_NS)
#define CPUINFO_BYTES (64 << 10) /* the first processor is enough, with all its flags */
#define OS_BYTES      (16 << 10)
#define MOUNTS_BYTES  (256 << 10)

struct bn_host_about {
    struct bn_host_due due;
};

struct bn_host_about *bn_host_about_create(void)
{
    return bn_alloc(sizeof(struct bn_host_about));
}

void bn_host_about_destroy(struct bn_host_about *about)
{
    free(about);
}

static struct bn_str line_of(struct bn_str text)
{
    struct bn_str line = text;
    bn_scan_line(&text, &line); /* /run/systemd/container has no newline everywhere */
    return bn_str_trim(line);
}

static void read_label(struct bn_host_sampler *s, char *out, size_t size, const char *path)
{
    out[0] = 0;
    bn_scan_label(out, size, line_of(bn_host_read_once(&s->reader, 512, "%s", path)));
}

static void read_os(struct bn_host_sampler *s)
{
    static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
    s->host.os[0] = 0;
    for (size_t i = 0; i < COUNT(paths) && !s->host.os[0]; i++)
        bn_procfs_os_release(bn_host_read_once(&s->reader, OS_BYTES, "%s", paths[i]), s->host.os,
                sizeof s->host.os);
}

/* --- what carries this machine -----------------------------------------------------------------
 */

/* Words as systemd-detect-virt(1) says them. */
static const char *container(struct bn_host_sampler *s, char *out, size_t size)
{
    if (bn_host_exists(&s->reader, "/run/systemd/container")) {
        read_label(s, out, size, "/run/systemd/container");
        if (out[0])
            return out;
    }
    if (bn_host_exists(&s->reader, "/.dockerenv"))
        return "docker";
    if (bn_host_exists(&s->reader, "/run/.containerenv"))
        return "podman";
    struct bn_str mounts = bn_host_read_once(&s->reader, MOUNTS_BYTES, "/proc/self/mountinfo");
    if (mounts.len > 0 && memmem(mounts.p, mounts.len, " fuse.lxcfs ", 12))
        return "lxc";
    struct bn_str release = bn_host_read_once(&s->reader, 256, "/proc/sys/kernel/osrelease");
    if (release.len > 0 && memmem(release.p, release.len, "microsoft", 9))
        return "wsl";
    return NULL;
}

static const char *machine_by_name(const char *vendor, const char *product)
{
    static const struct {
        const char *begins;
        const char *word;
    } known[] = {
            {"KVM", "kvm"},
            {"OpenStack", "kvm"},
            {"KubeVirt", "kvm"},
            {"Amazon EC2", "amazon"},
            {"QEMU", "qemu"},
            {"VMware", "vmware"},
            {"VMW", "vmware"},
            {"innotek GmbH", "oracle"},
            {"VirtualBox", "oracle"},
            {"Oracle Corporation", "oracle"},
            {"Xen", "xen"},
            {"Bochs", "bochs"},
            {"Parallels", "parallels"},
            {"BHYVE", "bhyve"},
            {"Hyper-V", "microsoft"},
            {"Apple Virtualization", "apple"},
            {"Google Compute Engine", "google"},
    };

    for (size_t i = 0; i < COUNT(known); i++)
        if (bn_str_starts(bn_str(product), known[i].begins) ||
                bn_str_starts(bn_str(vendor), known[i].begins))
            return known[i].word;
    if (strcmp(vendor, "Microsoft Corporation") == 0 && strcmp(product, "Virtual Machine") == 0)
        return "microsoft";
    return NULL;
}

static const char *machine(struct bn_host_sampler *s, bool has_hypervisor)
{
    char vendor[64];
    char product[64];
    char other[64];
    read_label(s, vendor, sizeof vendor, "/sys/class/dmi/id/sys_vendor");
    read_label(s, product, sizeof product, "/sys/class/dmi/id/product_name");
    const char *word = machine_by_name(vendor, product);
    /* QEMU is the name of the machine both with and without KVM; the flag tells them apart on x86.
     */
    if (word && strcmp(word, "qemu") == 0 && has_hypervisor)
        return "kvm";
    if (word)
        return word;
    read_label(s, other, sizeof other, "/sys/hypervisor/type");
    if (strcmp(other, "xen") == 0)
        return "xen";
    read_label(s, other, sizeof other, "/proc/device-tree/hypervisor/compatible");
    if (bn_str_starts(bn_str(other), "linux,kvm"))
        return "kvm";
    return has_hypervisor ? "vm" : "";
}

void bn_host_about_sample(struct bn_host_about *about, struct bn_host_sampler *s)
{
    struct utsname here;
    struct bn_procfs_cpuinfo cpu;
    char word[sizeof s->host.virtualization];
    struct bn_host *host = &s->host;
    if (!bn_host_is_due(&about->due, s, LOOK_EVERY_NS))
        return;
    read_os(s);
    read_label(s, host->name, sizeof host->name, "/proc/sys/kernel/hostname");
    read_label(s, host->kernel, sizeof host->kernel, "/proc/sys/kernel/osrelease");
    if (uname(&here) == 0)
        bn_scan_label(host->arch, sizeof host->arch, bn_str(here.machine));
    bn_procfs_cpuinfo(bn_host_read_once(&s->reader, CPUINFO_BYTES, "/proc/cpuinfo"), &cpu);
    bn_scan_label(host->cpu_model, sizeof host->cpu_model, bn_str(cpu.model));
    if (!host->cpu_model[0])
        read_label(s, host->cpu_model, sizeof host->cpu_model, "/proc/device-tree/model");
    const char *carrier = container(s, word, sizeof word);
    if (!carrier)
        carrier = machine(s, cpu.is_virtual);
    bn_scan_label(host->virtualization, sizeof host->virtualization, bn_str(carrier));
}
