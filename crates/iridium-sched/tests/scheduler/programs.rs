//! What the tests of snapshots run.

/// Programs of several processes whose results do not depend on who runs when. Each ends with
/// `exit`, so that its end is seen.
pub(crate) const PROGRAMS: [(&str, &str); 5] = [
    (
        "messages of many tags, put aside and current",
        "
main:   self $0
        load $20 #64
        aloc $20
        spawn @child $0 $10
        load $1 #1
        load $2 #0
        spawn @child $0 $11
fill:   sendi $10 $1 $2
        sendi $11 $1 $2
        addi $1 #1 $1
        load $12 #3
        rem $1 $12 $1
        inc $2
        brlt $2 #30 @fill
        load $4 #-1
        load $5 #-1
        recv $4 $6
        recv $4 $6
        load $7 #0              ; which of them was the last one is left to chance
        msgi $13
        prti $13
        exit $13
child:  load $21 #0             ; receives by tag: 2, then 1, then 0
        load $20 #8
        aloc $20
        load $3 #2
tag:    load $4 #0
next:   mov $3 $5
        load $6 #-1
        recv $5 $7
        msgi $10
        muli $21 #31 $21
        add $21 $10 $21
        prti $10
        inc $4
        brlt $4 #10 @next
        dec $3
        brge $3 #0 @tag
        load $1 #0
        st64 $1 $21
        msgi $10                ; the current message is still there
        load $1 #9
        sendi $0 $1 $10
        load $2 #5
        exit $2",
    ),
    (
        "links, monitors and names",
        "
        .code
main:   self $0
        register @name $0
        trapexit #1
        spawnlink @crash $0 $10
        spawnmon @crash $0 $11
        spawn @named $0 $13
        load $1 #1
        sendi $10 $1 $1
        load $20 #16
        aloc $20
        load $1 #-2
        load $2 #-1
        recv $1 $3
        msgi $6
        prti $6
        load $1 #1
        sendi $11 $1 $1
        load $1 #-3
        recv $1 $3
        load $7 #0
        msgm $7 $8
        ld64 $7 #8 $9
        prti $9
        load $1 #6
        recv $1 $3
        whereis @name $14
        brne $14 $0 @wrong
        load $1 #3
        exit $1
crash:  load $1 #1
        load $2 #-1
        recv $1 $3
        load $4 #17
        exit $4
named:  whereis @name $1
        brne $1 $0 @wrong
        load $1 #6
        sendi $0 $1 $1
        load $1 #4
        exit $1
wrong:  trap #1
        .data
name:   .asciiz 'main'",
    ),
    (
        "sleeping and waiting with time left, random numbers, calls and windows",
        "
main:   self $0
        load $1 #40
        spawn @sleep $0 $5
        spawn @sleep $1 $6      ; to nobody
        mono $10
        load $1 #-1
        load $2 #25
        recv $1 $3
        djmpe @wrong
        load $2 #1000
        recv $1 $3
        djmpn @wrong
        mono $11
        sub $11 $10 $11
        prti $11
        load $2 #12
        callw @fib $2
        prti $3
        push $3
        pop $4
        exit $4
fib:    brlt $0 #2 @one
        subi $0 #1 $8
        callw @fib $8
        subi $0 #2 $9
        mov $9 $10
        mov $8 $12
        callw @fib $10
        add $12 $10 $0
        ret
one:    ret
sleep:  sleep $1
        load $2 #1
        sendi $0 $2 $1
        exit $2
wrong:  trap #1",
    ),
    (
        "a ring with a token",
        "
main:   self $0
        mov $0 $10
        load $1 #9
build:  spawn @node $0 $0
        dec $1
        brgt $1 #0 @build
        load $3 #1
        load $4 #1
        load $5 #-1
        load $10 #100
        sendi $0 $3 $10
turn:   recv $4 $7
        msgi $10
        breq $10 #0 @done
        dec $10
        sendi $0 $3 $10
        brgt $10 #0 @turn
        recv $4 $7
done:   load $0 #7
        exit $0
node:   load $3 #1
        load $4 #1
        load $5 #-1
pass:   recv $4 $7
        msgi $1
        breq $1 #0 @last
        dec $1
last:   sendi $0 $3 $1
        brgt $1 #0 @pass
        prti $1
        load $2 #6
        sleep $2
        exit $2",
    ),
    (
        "calls that are answered, answered late, and never",
        "
main:   load $1 #1
        shl $1 #62
        load $3 #1
        spawn @server $10 $20
        load $10 #30
        spawn @server $10 $21
        load $10 #-1
        spawn @server $10 $22
        mov $20 $2
        call @ask
        mov $21 $2
        call @ask               ; is late
        mov $22 $2
        call @ask               ; ends without an answer
        mov $21 $2
        call @ask               ; is gone by then, or answers
        load $4 #100
        sleep $4
        load $5 #-1
        load $6 #0
        recv $5 $7
        djmpe @wrong
        load $5 #6
        kill $20 $5
        kill $21 $5
        exit $3
ask:    inc $1
        monitort $2 $1
        sendi $2 $3 $1
        mov $1 $5
        load $6 #20
        recv $5 $7
        djmpe @came
        demonitor $1
        load $5 #'-'
        prtc $5
        ret
came:   prti $9
        ret
wrong:  trap #1
server: load $4 #1
        load $5 #-1
        recv $4 $6
        msgi $9
        brlt $0 #0 @end
        sleep $0
        sendi $7 $9 $0
        djmp @server
end:    load $0 #5
        exit $0",
    ),
];
