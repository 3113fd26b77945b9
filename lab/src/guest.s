# guest: what a machine of the lab boots: a prompt on its screen, and the same on its first serial port.
#
# Keys of the keyboard and bytes of the serial port are echoed; a line is answered: `sum 2 3` with 5, `paint 4`
# with a red screen, `mode 19` with a screen of 320 by 200 points, shown twice as large (`mode 3` is the text
# again), `run` with a screen that changes 40 times a second until a key is pressed, `off` with the end of the
# machine, and any other line with itself from its end. Ctrl+Alt+Del is the BIOS' and begins anew.

        .code16
        .text
        .globl start
        .set SECTORS, 3                 # after the first
        .set COM1, 0x3f8
        .set LINE, 0x9000
        .set ROOM, 120

start:  cli
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $0x7c00, %sp
        sti
        cld
        ljmp $0, $load
load:   movw $(0x0200 + SECTORS), %ax
        movw $0x7e00, %bx
        movw $0x0002, %cx
        xorb %dh, %dh
        int $0x13
        jc load
        jmp greet
        .org 510
        .word 0xaa55

# The lab writes the name of the guest here: at byte 512, with a zero after it.
name:   .fill 64, 1, 0

greet:  movw $0x0003, %ax
        int $0x10
        xorw %dx, %dx
        movw $0x00e3, %ax
        int $0x14
        movw $(COM1 + 2), %dx           # its queue of 16 bytes
        movb $1, %al
        outb %al, %dx
prompt: movw $hello, %si
        call print
        movw $name, %si
        call print
        movw $ready, %si
        call print
        movw $LINE, %di

key:    movb $1, %ah
        int $0x16
        jnz typed
        movw $(COM1 + 5), %dx
        inb %dx, %al
        testb $1, %al
        jnz sent
        hlt                             # until the next interrupt: the clock at the latest
        jmp key
sent:   movw $COM1, %dx
        inb %dx, %al
        jmp took
typed:  xorb %ah, %ah
        int $0x16
took:   cmpb $13, %al
        je enter
        cmpb $10, %al
        je key
        cmpb $8, %al
        je back
        cmpb $127, %al
        je back
        cmpb $32, %al
        jb key
        cmpw $(LINE + ROOM), %di
        jae key
        stosb
        call put
        jmp key
back:   cmpw $LINE, %di
        je key
        decw %di
        movw $wipe, %si
        call print
        jmp key

enter:  movb $0, (%di)
        call newline
        cmpw $LINE, %di
        je prompt
        movw $w_sum, %bx
        call begins
        je sum
        movw $w_paint, %bx
        call begins
        je paint
        movw $w_mode, %bx
        call begins
        je mode
        movw $w_run, %bx
        call begins
        je run
        movw $w_off, %bx
        call begins
        je off
turn:   decw %di
        movb (%di), %al
        call put
        cmpw $LINE, %di
        jne turn
done:   call newline
        jmp prompt

sum:    call number
        pushl %eax
        call number
        popl %ecx
        addl %ecx, %eax
        call decimal
        jmp done

paint:  call number
        andb $7, %al
        pushw %ax
        movb %al, %bh
        shlb $4, %bh
        orb $0x0f, %bh
        movw $0x0600, %ax
        xorw %cx, %cx
        movw $0x184f, %dx
        int $0x10
        movb $2, %ah
        xorb %bh, %bh
        xorw %dx, %dx
        int $0x10
        movw $painted, %si
        call print
        popw %ax
        movzbl %al, %eax
        call decimal
        jmp done

mode:   call number
        xorb %ah, %ah
        int $0x10
        jmp prompt

run:    movb $0x36, %al                 # 40 ticks a second
        outb %al, $0x43
        movb $0x85, %al
        outb %al, $0x40
        movb $0x74, %al
        outb %al, $0x40
        movw $0xb800, %ax
        movw %ax, %es
        xorw %bx, %bx
frame:  incw %bx
        movw %bx, %ax
        movb %bl, %ah
        xorw %di, %di
        movw $2000, %cx
cells:  incb %al
        stosw
        loop cells
        movb $1, %ah
        int $0x16
        jnz stopped
        hlt
        jmp frame
stopped: xorb %ah, %ah
        int $0x16
        movb $0x36, %al
        outb %al, $0x43
        xorb %al, %al
        outb %al, $0x40
        outb %al, $0x40
        xorw %ax, %ax
        movw %ax, %es
        movw $0x0003, %ax
        int $0x10
        jmp prompt

off:    movw $0x604, %dx                # ACPI: soft off
        movw $0x2000, %ax
        outw %ax, %dx
1:      hlt
        jmp 1b

# Whether the line begins with the word at bx: equal, and si stands after it.
begins: movw $LINE, %si
1:      movb (%bx), %al
        testb %al, %al
        je 2f
        cmpb (%si), %al
        jne 2f
        incw %si
        incw %bx
        jmp 1b
2:      ret

# The number at si into eax.
number: xorl %eax, %eax
1:      cmpb $' ', (%si)
        jne 2f
        incw %si
        jmp 1b
2:      movzbl (%si), %ecx
        subb $'0', %cl
        cmpb $9, %cl
        ja 3f
        imull $10, %eax
        addl %ecx, %eax
        incw %si
        jmp 2b
3:      ret

decimal: xorw %cx, %cx
        movl $10, %ebx
1:      xorl %edx, %edx
        divl %ebx
        pushw %dx
        incw %cx
        testl %eax, %eax
        jnz 1b
2:      popw %ax
        addb $'0', %al
        call put
        loop 2b
        ret

newline: movw $ends, %si
print:  lodsb
        testb %al, %al
        je 1f
        call put
        jmp print
1:      ret

put:    pushw %ax
        pushw %bx
        pushw %cx
        pushw %dx
        pushw %ax
        movb $0x0e, %ah
        movw $0x0007, %bx
        int $0x10
        xorw %cx, %cx                   # a port that is stuck holds nobody up for long
        movw $(COM1 + 5), %dx
1:      inb %dx, %al
        testb $0x20, %al
        loopz 1b
        popw %ax
        movw $COM1, %dx
        outb %al, %dx
        popw %dx
        popw %cx
        popw %bx
        popw %ax
        ret

hello:  .asciz "binnacle guest "
ready:  .asciz " login-free prompt> "
ends:   .asciz "\r\n"
wipe:   .asciz "\b \b"
painted: .asciz "painted "
w_sum:  .asciz "sum "
w_paint: .asciz "paint "
w_mode: .asciz "mode "
w_run:  .asciz "run"
w_off:  .asciz "off"
        .org 512 * (SECTORS + 1)
