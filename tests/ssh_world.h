/*
 * ssh_world: io/ssh beside the servers people have, OpenSSH's and Dropbear's, each with keys and
 * files of its own.
 */
#pragma once

#include "ssh_rig.h"

struct world {
    struct scene scene;
    struct peer peer;
    struct peer_files files;
    ssh_key key;
    char *key_text;
    struct bn_ssh_to to;
};

static inline bool set_up(struct world *world, const char *extra)
{
    memset(world, 0, sizeof *world);
    start(&world->scene);
    world->key = peer_key(SSH_KEYTYPE_ED25519, 0);
    peer_make_files(&world->files, world->scene.host_key, world->key);
    CHECK_INT(ssh_pki_export_privkey_base64(world->key, NULL, NULL, NULL, &world->key_text),
            SSH_OK);
    if (!peer_start_sshd(&world->peer, &world->files, extra)) {
        print_message("no sshd here: passed over\n");
        return false;
    }
    world->to = to_port(&world->scene, world->peer.port);
    world->to.user = peer_user();
    world->to.password = BN_STR("");
    world->to.key = bn_str(world->key_text);
    return true;
}

static inline void tear_down(struct world *world)
{
    close_session(&world->scene);
    peer_stop(&world->peer);
    ssh_string_free_char(world->key_text);
    ssh_key_free(world->key);
    remove_tree(world->files.dir);
    stop(&world->scene);
}

static inline int shell(const char *line)
{
    int status = -1;
    const pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", line, NULL);
        _exit(127);
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    return status;
}

static inline void make_dropbear_key(const struct peer_files *files)
{
    char line[400];
    snprintf(line, sizeof line, "dropbearkey -t ed25519 -f %s 2>/dev/null | grep ^ssh- >%s",
            files->host_key, files->config);
    CHECK_INT(shell(line), 0);
}

/* Dropbear reads the keys of a user in his home only, so it is given another home, in a mount
   namespace of its own. Who may make none hears what Dropbear says to a stranger. */
static inline bool may_unmount(void)
{
    return shell("unshare -m sh -c 'mount -t tmpfs none /mnt' 2>/dev/null") == 0;
}

static inline const char *home(void)
{
    const struct passwd *me = getpwuid(getuid());
    return me ? me->pw_dir : "/nonexistent";
}

static inline void start_dropbear(struct world *w, char *line, size_t size)
{
    static const char *argv[] = {"/bin/sh", "-c", NULL, NULL};
    if (may_unmount())
        snprintf(line, size,
                "exec unshare -m sh -c 'mount -t tmpfs none %s && mkdir -m 700 %s/.ssh && "
                "cp %s %s/.ssh/authorized_keys && chmod 700 %s && exec dropbear -i -s -r %s'",
                home(), home(), w->files.authorized, home(), home(), w->files.host_key);
    else
        snprintf(line, size, "exec /usr/sbin/dropbear -i -s -r %s", w->files.host_key);
    argv[2] = line;
    peer_start(&w->peer, peer_exec, (void *)argv);
    w->to.port = w->peer.port;
}
