#include "console_scene.h"

/* --- opening --------------------------------------------------------------------------------- */

BN_TEST(a_screen_is_asked_for_once_and_let_in_with_the_password_of_the_answer)
{
    begin();
    open_one(BN_CONSOLE_VNC);
    CHECK_INT(peer.posts, 1);
    CHECK_INT(peer.upgrades, 1);
    CHECK(cp_was_asked(&peer, "POST /api2/json/nodes/n%201/qemu/100/vncproxy HTTP/1.1\r\n"));
    CHECK(cp_was_asked(&peer, "\r\nAuthorization: PVEAPIToken=" PVE_TOKEN "\r\n"));
    CHECK(cp_was_asked(&peer, "/n%201/qemu/100/vncwebsocket?port=5901&vncticket="
                              "PVEVNC%3A6A0B%3A%3A%20a%2Bb%2Fc%3D HTTP/1.1\r\n"));
    CHECK(cp_was_asked(&peer, "\r\nSec-WebSocket-Protocol: binary\r\n"));
    take();
    cp_say(&peer, "pixels", 6);
    AWAIT(got("pixels"));
    bn_remote_put(scene.guest, "keys", 4);
    AWAIT(heard("keys"));
    CHECK_INT(scene.pieces, 1);
    end();
}

BN_TEST(without_a_password_the_first_eight_bytes_of_the_ticket_are_it)
{
    begin();
    peer.proxy = CP_PROXY("{\"data\":{\"port\":5901,\"ticket\":\"" CP_TICKET "\",\"user\":\"u\"}}");
    peer.password = "PVEVNC:6";
    open_one(BN_CONSOLE_VNC);
    end();
}

BN_TEST(a_terminal_is_let_in_with_its_line_and_what_it_said_early_is_kept)
{
    begin();
    peer.greeting = "OKlogin: ";
    open_one(BN_CONSOLE_TERMINAL);
    CHECK(cp_was_asked(&peer, "POST /api2/json/nodes/n%201/lxc/100/termproxy HTTP/1.1\r\n"));
    CHECK(heard("root@pam!t:" CP_TICKET "\n"));
    take();
    CHECK(got("login: "));
    end();
}

BN_TEST(an_ok_in_two_pieces_is_one_and_what_comes_with_it_waits)
{
    begin();
    peer.greeting = "O";
    ask(BN_CONSOLE_TERMINAL);
    AWAIT(peer.stage == CP_OPEN);
    cp_say(&peer, "Kfirst", 6);
    cp_say(&peer, " second", 7); /* in the same breath */
    AWAIT(scene.guest);
    settle(20);
    take();
    AWAIT(got("first second"));
    end();
}

BN_TEST(a_containers_screen_is_its_own_and_a_machines_terminal_is_its_serial_port)
{
    struct bn_console_wish wish = wish_for(BN_CONSOLE_VNC);
    begin();
    wish.vm_type = BN_VM_LXC;
    ask_for(wish);
    AWAIT(scene.guest);
    CHECK(cp_was_asked(&peer, "POST /api2/json/nodes/n%201/lxc/100/vncproxy HTTP/1.1\r\n"));
    CHECK_INT(peer.looks, 0);
    end();
    begin();
    wish = wish_for(BN_CONSOLE_TERMINAL);
    wish.vm_type = BN_VM_QEMU;
    ask_for(wish);
    AWAIT(scene.guest);
    CHECK_INT(peer.looks, 1);
    CHECK(cp_was_asked(&peer, "GET /api2/json/nodes/n%201/qemu/100/status/current HTTP/1.1\r\n"));
    CHECK(cp_was_asked(&peer, "POST /api2/json/nodes/n%201/qemu/100/termproxy HTTP/1.1\r\n"));
    take();
    cp_say(&peer, "login: ", 7);
    AWAIT(got("login: "));
    end();
}

BN_TEST(a_machine_without_serial_port_is_told_what_to_add_before_its_terminal_is_opened)
{
    static const char *const answers[] = {
            CP_PROXY("{\"data\":{\"status\":\"running\"}}"),
            CP_PROXY("{\"data\":{\"serial\":0}}"),
    };
    struct bn_console_wish wish = wish_for(BN_CONSOLE_TERMINAL);
    wish.vm_type = BN_VM_QEMU;
    for (size_t i = 0; i < COUNT(answers); i++) {
        begin();
        peer.status = answers[i];
        ask_for(wish);
        refused("proxy", "CON-06", "guest 100 has no serial port");
        CHECK_INT(scene.refusal.err.code, BN_E_CONFLICT);
        CHECK_STR(scene.refusal.hint, "qm set 100 --serial0 socket");
        CHECK_INT(peer.posts, 0);
        end();
    }
}

/* VM.Console without VM.Audit, and an answer that is none: Proxmox VE itself will say. */
BN_TEST(who_may_not_look_at_a_machine_may_open_its_terminal_and_who_cannot_reach_it_hears_why)
{
    static const char *const passable[] = {
            "HTTP/1.1 403 Permission check failed (/vms/100, VM.Audit)\r\nContent-Length: 0\r\n\r\n",
            CP_PROXY("<html>"),
            CP_PROXY("{\"data\":null}"),
    };
    struct bn_console_wish wish = wish_for(BN_CONSOLE_TERMINAL);
    wish.vm_type = BN_VM_QEMU;
    for (size_t i = 0; i < COUNT(passable); i++) {
        begin();
        peer.status = passable[i];
        ask_for(wish);
        AWAIT(scene.opened);
        CHECK(scene.guest);
        end();
    }
    begin();
    peer.status = "HTTP/1.1 595 No route to host\r\nContent-Length: 0\r\n\r\n";
    ask_for(wish);
    refused("proxy", "CON-04", "does not answer (595)");
    CHECK_INT(peer.posts, 0);
    end();
}

BN_TEST(a_server_removed_while_a_serial_port_is_looked_for_is_not_asked_for_a_terminal)
{
    struct bn_fact fact;
    struct bn_console_wish wish = wish_for(BN_CONSOLE_TERMINAL);
    wish.vm_type = BN_VM_QEMU;
    begin();
    ask_for(wish);
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    fact.op = BN_GONE;
    snprintf(fact.u.server.id, sizeof fact.u.server.id, "s1");
    put(&fact);
    refused("proxy", "", "not in the list any more");
    CHECK_INT(peer.posts, 0);
    end();
}

BN_TEST(the_shell_of_a_node_is_asked_of_the_node)
{
    struct bn_console_wish wish = wish_for(BN_CONSOLE_TERMINAL);
    begin();
    wish.vmid = 0;
    ask_for(wish);
    AWAIT(scene.guest);
    CHECK_INT(peer.looks, 0);
    CHECK(cp_was_asked(&peer, "POST /api2/json/nodes/n%201/termproxy HTTP/1.1\r\n"));
    CHECK(cp_was_asked(&peer, "GET /api2/json/nodes/n%201/vncwebsocket?port=5901&vncticket="));
    end();
    begin();
    wish.kind = BN_CONSOLE_VNC;
    ask_for(wish);
    AWAIT(scene.guest);
    CHECK(cp_was_asked(&peer, "POST /api2/json/nodes/n%201/vncshell HTTP/1.1\r\n"));
    end();
}

BN_TEST(why_a_node_gives_no_shell_is_said_with_what_to_grant)
{
    static const struct {
        const char *status;
        const char *con;
        const char *text;
        const char *hint;
    } cases[] = {
            {"500 value 'root@pam!t' does not look like a valid user name", "CON-03",
                    "its terminal from pve-manager 9.0.13 on, its screen never", ""},
            {"403 Permission check failed (realm != pam)", "CON-02",
                    "to users of the realm pam only", ""},
            {"403 Permission check failed (/nodes/n 1, Sys.Console)", "CON-02", "403", ""},
            {"403 Permission check failed (/nodes/n1, Sys.Console)", "CON-02",
                    "the token lacks Sys.Console on /nodes/n1",
                    "pveum acl modify /nodes/n1 --tokens 'root@pam!t' --roles PVESysAdmin"},
    };
    struct bn_console_wish wish = wish_for(BN_CONSOLE_TERMINAL);
    wish.vmid = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char answer[300];
        begin();
        snprintf(answer, sizeof answer,
                "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", cases[i].status);
        peer.proxy = answer;
        ask_for(wish);
        refused("proxy", cases[i].con, cases[i].text);
        CHECK_STR(scene.refusal.hint, cases[i].hint);
        end();
    }
    begin();
    peer.greeting = "NO";
    ask_for(wish);
    refused("login", "CON-03", "no tokens for shells of nodes");
    end();
}

/* --- each step refuses ----------------------------------------------------------------------- */

BN_TEST(who_lacks_the_privilege_reads_the_command_that_grants_it)
{
    begin();
    peer.proxy = "HTTP/1.1 403 Permission check failed (/vms/100, VM.Console)\r\n"
                 "Content-Length: 0\r\nConnection: close\r\n\r\n";
    ask(BN_CONSOLE_VNC);
    refused("proxy", "CON-02", "the token lacks VM.Console on /vms/100");
    CHECK_STR(scene.refusal.hint,
            "pveum acl modify /vms/100 --tokens 'root@pam!t' --roles PVEVMUser");
    CHECK_INT(peer.upgrades, 0);
    end();
}

BN_TEST(each_refusal_of_the_proxy_has_its_number)
{
    static const struct {
        const char *status;
        const char *con;
        const char *text;
    } cases[] = {
            {"500 value 'root@pam!t' does not look like a valid user name", "CON-03",
                    "open its screen instead"},
            {"500 VM 100 not running", "CON-01", "VM 100 not running"},
            {"595 No route to host", "CON-04", "does not answer (595)"},
            {"401 No ticket", "", "authentication failed (401)"},
            {"500 something else", "", "something else"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char answer[300];
        begin();
        snprintf(answer, sizeof answer,
                "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", cases[i].status);
        peer.proxy = answer;
        ask(BN_CONSOLE_TERMINAL);
        refused("proxy", cases[i].con, cases[i].text);
        end();
    }
}

BN_TEST(an_answer_without_ticket_or_port_is_no_connection_data)
{
    static const char *const answers[] = {
            CP_PROXY("{\"data\":null}"),
            CP_PROXY("{\"data\":{\"ticket\":\"t\"}}"),
            CP_PROXY("{\"data\":{\"port\":\"5901\"}}"),
            CP_PROXY("{\"data\":{\"ticket\":\"t\",\"port\":\"65536\"}}"),
            CP_PROXY("{\"data\":{\"ticket\":\"t\",\"port\":\"0\"}}"),
            CP_PROXY("{}"),
    };
    for (size_t i = 0; i < COUNT(answers); i++) {
        begin();
        peer.proxy = answers[i];
        ask(BN_CONSOLE_VNC);
        refused("proxy", "", "No connection data received");
        CHECK_INT(peer.upgrades, 0);
        end();
    }
    begin();
    peer.proxy = CP_PROXY("<html>");
    ask(BN_CONSOLE_VNC);
    refused("proxy", "", "JSON");
    end();
}

BN_TEST(a_ticket_too_long_for_an_address_is_refused)
{
    char answer[1400];
    char ticket[601];
    begin();
    memset(ticket, ':', sizeof ticket - 1);
    ticket[600] = '\0';
    snprintf(answer, sizeof answer, CP_PROXY("{\"data\":{\"port\":1,\"ticket\":\"%s\"}}"), ticket);
    peer.proxy = answer;
    ask(BN_CONSOLE_VNC);
    refused("connect", "", "ticket is too long");
    end();
}

BN_TEST(a_server_that_went_away_between_the_steps_is_a_sentence)
{
    begin();
    ask(BN_CONSOLE_VNC);
    bn_listener_close(peer.listener);
    peer.listener = NULL;
    AWAIT(scene.opened);
    CHECK(!scene.guest);
    CHECK(scene.refusal.err.text[0]);
    end();
}

BN_TEST(a_server_removed_meanwhile_is_not_called)
{
    struct bn_fact fact;
    begin();
    ask(BN_CONSOLE_VNC);
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    fact.op = BN_GONE;
    snprintf(fact.u.server.id, sizeof fact.u.server.id, "s1");
    put(&fact);
    refused("connect", "", "not in the list any more");
    CHECK_INT(peer.upgrades, 0);
    const struct bn_console_wish wish = wish_for(BN_CONSOLE_VNC);
    struct bn_err err;
    CHECK(!bn_console_open(consoles, &wish, on_opened, &scene, &err));
    CHECK_INT(err.code, BN_E_NOT_FOUND);
    end();
}

BN_TEST(a_call_that_is_closed_at_once_says_that_the_node_may_be_unreachable)
{
    begin();
    peer.upgrade = "close";
    ask(BN_CONSOLE_VNC);
    refused("upgrade", "CON-04", "node n 1 may not be reachable");
    end();
}

BN_TEST(a_call_that_is_not_answered_ends_after_ten_seconds)
{
    begin();
    peer.upgrade = "";
    ask(BN_CONSOLE_VNC);
    AWAIT(peer.upgrades);
    AWAIT_PASSING(scene.opened, 100);
    refused("upgrade", "CON-04", "node n 1 may not be reachable");
    end();
}

BN_TEST(an_answer_that_is_no_upgrade_is_said_as_it_is)
{
    static const struct {
        const char *bytes;
        const char *text;
    } cases[] = {
            {"HTTP/1.1 401 No ticket\r\nContent-Length: 0\r\n\r\n", "401"},
            {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200"},
            {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
                    "Sec-WebSocket-Accept"},
            {"garbage\r\n\r\n", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        begin();
        peer.upgrade = cases[i].bytes;
        ask(BN_CONSOLE_VNC);
        refused("upgrade", "CON-04", cases[i].text);
        end();
    }
}

BN_TEST(a_screen_that_says_no_is_quoted)
{
    begin();
    peer.refuses = "password check failed!";
    ask(BN_CONSOLE_VNC);
    refused("login", "", "password check failed!");
    end();
}

BN_TEST(a_screen_that_speaks_something_else_is_refused)
{
    begin();
    peer.is_mute = true;
    ask(BN_CONSOLE_VNC);
    AWAIT(peer.console);
    cp_say(&peer, "SSH-2.0-OpenSSH\r\n", 17);
    refused("login", "", "");
    end();
}

BN_TEST(a_screen_or_terminal_that_closes_or_stays_silent_is_a_sentence_of_its_own)
{
    begin();
    peer.is_mute = true;
    ask(BN_CONSOLE_VNC);
    AWAIT(peer.console);
    bn_stream_close(peer.console);
    refused("login", "", "the screen closed the connection before it let us in");
    ask(BN_CONSOLE_VNC);
    AWAIT(peer.console);
    cp_frame(&peer, BN_WS_CLOSE, "", 0);
    refused("login", "", "the screen closed");
    ask(BN_CONSOLE_VNC);
    AWAIT(peer.console);
    AWAIT_PASSING(scene.opened, 100);
    refused("login", "", "did not answer in time");
    ask(BN_CONSOLE_TERMINAL);
    AWAIT(peer.console);
    bn_stream_close(peer.console);
    refused("login", "CON-03", "this version may know tokens for screens only");
    end();
}

BN_TEST(a_terminal_that_says_anything_but_ok_does_not_know_the_token)
{
    begin();
    peer.greeting = "NO";
    ask(BN_CONSOLE_TERMINAL);
    refused("login", "CON-03", "this version may know tokens for screens only");
    end();
}

BN_TEST(what_is_no_frame_ends_the_opening)
{
    begin();
    peer.is_mute = true;
    ask(BN_CONSOLE_VNC);
    AWAIT(peer.console);
    cp_raw(&peer, "\xff\xff\xff\xff", 4);
    refused("login", "", "");
    end();
}

BN_TEST(a_terminal_that_babbles_without_end_is_held_to_its_bound)
{
    static char babble[300 << 10];
    begin();
    memset(babble, 'x', sizeof babble);
    babble[0] = 'O';
    peer.is_mute = true;
    ask(BN_CONSOLE_TERMINAL);
    AWAIT(peer.console);
    cp_say(&peer, babble, 1);
    cp_say(&peer, babble + 1, sizeof babble - 1); /* one message: "Ox…" */
    refused("login", "CON-03", "");
    end();
}

BN_TEST(only_so_many_are_opened_at_once)
{
    const struct bn_console_wish wish = wish_for(BN_CONSOLE_VNC);
    struct bn_err err;
    begin();
    peer.proxy = NULL; /* it takes its time */
    for (int i = 0; i < BN_CONSOLES_OPENING_MAX; i++)
        CHECK(bn_console_open(consoles, &wish, on_opened, &scene, &err));
    CHECK(!bn_console_open(consoles, &wish, on_opened, &scene, &err));
    CHECK_INT(err.code, BN_E_UNAVAILABLE);
    CHECK_STR(err.text, "16 consoles are being opened already: try again");
    stop();
    CHECK_INT(scene.opened, BN_CONSOLES_OPENING_MAX); /* each was told */
    end();
}

BN_TEST_MAIN()
