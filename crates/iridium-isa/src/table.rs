//! The instruction table: every instruction is declared here, once.
//!
//! [`for_each_instruction!`](crate::for_each_instruction) hands all rows to a macro of the caller's
//! choice. The instruction enum, the opcode numbers, the encoder, the decoder, the assembler, the
//! disassembler, the verifier, both dispatch backends and the table in the manual are such callers,
//! so an instruction is added by a row here and a function in `interp::semantics` or an arm in
//! `interp::general`.
//!
//! A row reads
//!
//! ```text
//! /// What it does, one line: the manual's text.
//! function Variant "mnemonic" { operand: Kind, … } flow fuel path;
//! ```
//!
//! * The opcode number is the position in the table. **Rows are only ever appended**: module files
//!   carry these numbers.
//! * The operand kinds are the types of [`operand`](crate::operand).
//! * `flow`: `Next` goes on with the next instruction, `Branch` may also go elsewhere, `Jump` always
//!   goes elsewhere, `End` ends the process.
//! * `fuel`: `Free`; `Taken`, 1 when the jump is taken; `Fixed(n)`; `Bulk`, 1 and 1 more for every
//!   64 bytes moved.
//! * `path`: `fast` instructions are compiled into both dispatch backends; `general` ones run in
//!   safe code out of line, because their own work dwarfs the cost of getting there.

/// Calls a macro with every row of the instruction table; see the module's documentation.
#[macro_export]
#[doc(hidden)]
macro_rules! for_each_instruction {
    ($callback:path) => {
        $callback! {
            /// Load a literal, the instruction index of a code label, or the address of a data label.
            load Load "load" { d: IntOut, n: Lit64 } Next Free fast;
            /// Shift left by 16 and fill in two bytes, kept as a sign-extended 32-bit value: `d = (d << 16) | (n1 << 8) | n2`.
            lui Lui "lui" { d: IntMut, n1: ByteLit, n2: ByteLit } Next Free fast;
            /// `d = a + b`, wrapping.
            add Add "add" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// `d = a - b`, wrapping.
            sub Sub "sub" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// `d = a * b`, wrapping.
            mul Mul "mul" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// `d = a / b`, truncating; sets the remainder register. Traps on 0 and on MIN / -1.
            div Div "div" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// Add 1, wrapping.
            inc Inc "inc" { d: IntMut } Next Free fast;
            /// Subtract 1, wrapping.
            dec Dec "dec" { d: IntMut } Next Free fast;
            /// Bitwise and.
            and And "and" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// Bitwise or.
            or Or "or" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// Bitwise exclusive or.
            xor Xor "xor" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// Every bit inverted.
            not Not "not" { a: Int, d: IntOut } Next Free fast;
            /// Shift left in place; without a literal by 16.
            shl Shl "shl" { d: IntMut, n: ShiftOr16 } Next Free fast;
            /// Arithmetic shift right in place; without a literal by 16.
            shr Shr "shr" { d: IntMut, n: ShiftOr16 } Next Free fast;
            /// Flag: `a == b`.
            eq Eq "eq" { a: Int, b: Int } Next Free fast;
            /// Flag: `a != b`.
            neq Neq "neq" { a: Int, b: Int } Next Free fast;
            /// Flag: `a > b`.
            gt Gt "gt" { a: Int, b: Int } Next Free fast;
            /// Flag: `a >= b`.
            gte Gte "gte" { a: Int, b: Int } Next Free fast;
            /// Flag: `a < b`.
            lt Lt "lt" { a: Int, b: Int } Next Free fast;
            /// Flag: `a <= b`.
            lte Lte "lte" { a: Int, b: Int } Next Free fast;
            /// End the process; its result is `$0` of the window in force.
            hlt Hlt "hlt" {} End Free general;
            /// Do nothing.
            nop Nop "nop" {} Next Free fast;
            /// Trap: illegal instruction.
            igl Igl "igl" {} End Free general;
            /// Jump to the instruction index in `a`.
            jmp Jmp "jmp" { a: Int } Jump Fixed(1) fast;
            /// Jump to the instruction index in `a` when the flag is set.
            jmpe Jmpe "jmpe" { a: Int } Branch Taken fast;
            /// Jump `a` instructions forward, counted from this one.
            jmpf Jmpf "jmpf" { a: Int } Jump Fixed(1) fast;
            /// Jump `a` instructions back, counted from this one.
            jmpb Jmpb "jmpb" { a: Int } Jump Fixed(1) fast;
            /// Jump when the flag is set.
            djmpe Djmpe "djmpe" { l: Target } Branch Taken fast;
            /// Set the loop counter.
            cloop Cloop "cloop" { n: Count } Next Free fast;
            /// Jump and count down while the loop counter is not 0.
            loop_ Loop "loop" { l: Target } Branch Taken fast;
            /// Call in the same window.
            call Call "call" { l: Target } Branch Fixed(1) fast;
            /// Return from a call; with no call to return from, end as `hlt` does.
            ret Ret "ret" {} Jump Free fast;
            /// Push onto the data stack.
            push Push "push" { a: Int } Next Free fast;
            /// Pop from the data stack. Traps when it is empty.
            pop Pop "pop" { d: IntOut } Next Free fast;
            /// Grow the heap by `a` zero bytes.
            aloc Aloc "aloc" { a: Int } Next Bulk general;
            /// Load 32 bits, sign-extended, from the address in `a`.
            loadm Loadm "loadm" { a: Int, d: IntOut } Next Free fast;
            /// Store the low 32 bits of `b` at the address in `a`.
            setm Setm "setm" { a: Int, b: Int } Next Free fast;
            /// Print the NUL-ended string at a data label or data offset.
            prts Prts "prts" { s: Data } Next Bulk general;
            /// Load a float literal.
            loadf64 LoadF64 "loadf64" { d: FloatOut, x: LitF64 } Next Free fast;
            /// `d = a + b`, IEEE 754.
            addf64 AddF64 "addf64" { a: Float, b: Float, d: FloatOut } Next Free fast;
            /// `d = a - b`, IEEE 754.
            subf64 SubF64 "subf64" { a: Float, b: Float, d: FloatOut } Next Free fast;
            /// `d = a * b`, IEEE 754.
            mulf64 MulF64 "mulf64" { a: Float, b: Float, d: FloatOut } Next Free fast;
            /// `d = a / b`, IEEE 754.
            divf64 DivF64 "divf64" { a: Float, b: Float, d: FloatOut } Next Free fast;
            /// Flag: `a == b`, IEEE 754.
            eqf64 EqF64 "eqf64" { a: Float, b: Float } Next Free fast;
            /// Flag: `a != b`, IEEE 754; a NaN differs from everything.
            neqf64 NeqF64 "neqf64" { a: Float, b: Float } Next Free fast;
            /// Flag: `a > b`, IEEE 754.
            gtf64 GtF64 "gtf64" { a: Float, b: Float } Next Free fast;
            /// Flag: `a >= b`, IEEE 754.
            gtef64 GteF64 "gtef64" { a: Float, b: Float } Next Free fast;
            /// Flag: `a < b`, IEEE 754.
            ltf64 LtF64 "ltf64" { a: Float, b: Float } Next Free fast;
            /// Flag: `a <= b`, IEEE 754.
            ltef64 LteF64 "ltef64" { a: Float, b: Float } Next Free fast;

            /// Copy an integer lane.
            mov Mov "mov" { a: Int, d: IntOut } Next Free fast;
            /// Copy a float lane.
            movf64 MovF64 "movf64" { a: Float, d: FloatOut } Next Free fast;
            /// Integer to float, rounded to nearest.
            itof Itof "itof" { a: Int, d: FloatOut } Next Free fast;
            /// Float to integer: truncates and saturates; NaN gives 0.
            ftoi Ftoi "ftoi" { a: Float, d: IntOut } Next Free fast;
            /// The bits of a float; every NaN gives 0x7ff8000000000000.
            bitsf64 BitsF64 "bitsf64" { a: Float, d: IntOut } Next Free fast;
            /// The float with these bits.
            f64bits F64Bits "f64bits" { a: Int, d: FloatOut } Next Free fast;
            /// `d = a + n`, wrapping.
            addi Addi "addi" { a: Int, n: Lit32, d: IntOut } Next Free fast;
            /// `d = a - n`, wrapping.
            subi Subi "subi" { a: Int, n: Lit32, d: IntOut } Next Free fast;
            /// `d = a * n`, wrapping.
            muli Muli "muli" { a: Int, n: Lit32, d: IntOut } Next Free fast;
            /// Bitwise and with a literal.
            andi Andi "andi" { a: Int, n: Lit32, d: IntOut } Next Free fast;
            /// Bitwise or with a literal.
            ori Ori "ori" { a: Int, n: Lit32, d: IntOut } Next Free fast;
            /// Bitwise exclusive or with a literal.
            xori Xori "xori" { a: Int, n: Lit32, d: IntOut } Next Free fast;
            /// Remainder of the truncating division; traps as `div`.
            rem Rem "rem" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// Unsigned division; traps on 0.
            divu Divu "divu" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// Unsigned remainder; traps on 0.
            remu Remu "remu" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// Shift left by `b` modulo 64.
            sll Sll "sll" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// Logical shift right by `b` modulo 64.
            srl Srl "srl" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// Arithmetic shift right by `b` modulo 64.
            sra Sra "sra" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// Shift left by a literal.
            slli Slli "slli" { a: Int, n: Shift, d: IntOut } Next Free fast;
            /// Logical shift right by a literal.
            srli Srli "srli" { a: Int, n: Shift, d: IntOut } Next Free fast;
            /// Arithmetic shift right by a literal.
            srai Srai "srai" { a: Int, n: Shift, d: IntOut } Next Free fast;
            /// The remainder register.
            getrem Getrem "getrem" { d: IntOut } Next Free fast;
            /// The smaller, signed.
            min Min "min" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// The larger, signed.
            max Max "max" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// The smaller, unsigned.
            minu Minu "minu" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// The larger, unsigned.
            maxu Maxu "maxu" { a: Int, b: Int, d: IntOut } Next Free fast;
            /// Number of leading zero bits; 64 for 0.
            clz Clz "clz" { a: Int, d: IntOut } Next Free fast;
            /// Number of trailing zero bits; 64 for 0.
            ctz Ctz "ctz" { a: Int, d: IntOut } Next Free fast;
            /// Number of set bits.
            popcnt Popcnt "popcnt" { a: Int, d: IntOut } Next Free fast;
            /// Square root.
            sqrtf64 SqrtF64 "sqrtf64" { a: Float, d: FloatOut } Next Free fast;
            /// Absolute value.
            absf64 AbsF64 "absf64" { a: Float, d: FloatOut } Next Free fast;
            /// Sign inverted.
            negf64 NegF64 "negf64" { a: Float, d: FloatOut } Next Free fast;
            /// Rounded down.
            floorf64 FloorF64 "floorf64" { a: Float, d: FloatOut } Next Free fast;
            /// Rounded up.
            ceilf64 CeilF64 "ceilf64" { a: Float, d: FloatOut } Next Free fast;
            /// Rounded towards zero.
            truncf64 TruncF64 "truncf64" { a: Float, d: FloatOut } Next Free fast;
            /// Rounded to nearest, ties to even.
            roundf64 RoundF64 "roundf64" { a: Float, d: FloatOut } Next Free fast;
            /// The smaller; -0 is below +0, and a NaN yields to a number.
            minf64 MinF64 "minf64" { a: Float, b: Float, d: FloatOut } Next Free fast;
            /// The larger; +0 is above -0, and a NaN yields to a number.
            maxf64 MaxF64 "maxf64" { a: Float, b: Float, d: FloatOut } Next Free fast;

            /// Jump always.
            djmp Djmp "djmp" { l: Target } Jump Fixed(1) fast;
            /// Jump when the flag is clear.
            djmpn Djmpn "djmpn" { l: Target } Branch Taken fast;
            /// Branch when `a == b`.
            breq Breq "breq" { a: Int, b: Int, l: Target } Branch Taken fast;
            /// Branch when `a == n`.
            breqi Breqi "breq" { a: Int, n: Lit32, l: Target } Branch Taken fast;
            /// Branch when `a != b`.
            brne Brne "brne" { a: Int, b: Int, l: Target } Branch Taken fast;
            /// Branch when `a != n`.
            brnei Brnei "brne" { a: Int, n: Lit32, l: Target } Branch Taken fast;
            /// Branch when `a < b`.
            brlt Brlt "brlt" { a: Int, b: Int, l: Target } Branch Taken fast;
            /// Branch when `a < n`.
            brlti Brlti "brlt" { a: Int, n: Lit32, l: Target } Branch Taken fast;
            /// Branch when `a <= b`.
            brle Brle "brle" { a: Int, b: Int, l: Target } Branch Taken fast;
            /// Branch when `a <= n`.
            brlei Brlei "brle" { a: Int, n: Lit32, l: Target } Branch Taken fast;
            /// Branch when `a > b`.
            brgt Brgt "brgt" { a: Int, b: Int, l: Target } Branch Taken fast;
            /// Branch when `a > n`.
            brgti Brgti "brgt" { a: Int, n: Lit32, l: Target } Branch Taken fast;
            /// Branch when `a >= b`.
            brge Brge "brge" { a: Int, b: Int, l: Target } Branch Taken fast;
            /// Branch when `a >= n`.
            brgei Brgei "brge" { a: Int, n: Lit32, l: Target } Branch Taken fast;
            /// Branch when `a < b`, unsigned.
            brltu Brltu "brltu" { a: Int, b: Int, l: Target } Branch Taken fast;
            /// Branch when `a < n`, unsigned; `n` is sign-extended first.
            brltui Brltui "brltu" { a: Int, n: Lit32, l: Target } Branch Taken fast;
            /// Branch when `a <= b`, unsigned.
            brleu Brleu "brleu" { a: Int, b: Int, l: Target } Branch Taken fast;
            /// Branch when `a <= n`, unsigned; `n` is sign-extended first.
            brleui Brleui "brleu" { a: Int, n: Lit32, l: Target } Branch Taken fast;
            /// Branch when `a > b`, unsigned.
            brgtu Brgtu "brgtu" { a: Int, b: Int, l: Target } Branch Taken fast;
            /// Branch when `a > n`, unsigned; `n` is sign-extended first.
            brgtui Brgtui "brgtu" { a: Int, n: Lit32, l: Target } Branch Taken fast;
            /// Branch when `a >= b`, unsigned.
            brgeu Brgeu "brgeu" { a: Int, b: Int, l: Target } Branch Taken fast;
            /// Branch when `a >= n`, unsigned; `n` is sign-extended first.
            brgeui Brgeui "brgeu" { a: Int, n: Lit32, l: Target } Branch Taken fast;
            /// Branch when `a == b`; not when unordered.
            breqf64 BreqF64 "breqf64" { a: Float, b: Float, l: Target } Branch Taken fast;
            /// Branch when `a != b`; also when unordered.
            brnef64 BrneF64 "brnef64" { a: Float, b: Float, l: Target } Branch Taken fast;
            /// Branch when `a < b`; not when unordered.
            brltf64 BrltF64 "brltf64" { a: Float, b: Float, l: Target } Branch Taken fast;
            /// Branch when `a <= b`; not when unordered.
            brlef64 BrleF64 "brlef64" { a: Float, b: Float, l: Target } Branch Taken fast;
            /// Branch when `a > b`; not when unordered.
            brgtf64 BrgtF64 "brgtf64" { a: Float, b: Float, l: Target } Branch Taken fast;
            /// Branch when `a >= b`; not when unordered.
            brgef64 BrgeF64 "brgef64" { a: Float, b: Float, l: Target } Branch Taken fast;
            /// Windowed call: the callee's `$0` is the caller's `$k`.
            callw Callw "callw" { l: Target, k: Slide } Branch Fixed(1) fast;
            /// Call the instruction index in `a`, in the same window.
            callr Callr "callr" { a: Int } Branch Fixed(1) general;
            /// Windowed call of the instruction index in `a`.
            callwr Callwr "callwr" { a: Int, k: Slide } Branch Fixed(1) general;
            /// Jump to the `a`-th label, counted from 0; past the end go on.
            jtab Jtab "jtab" { a: Int, l: Targets } Branch Taken fast;
            /// Trap with kind user(n).
            trap Trap "trap" { n: Count } End Free general;
            /// End the process with the exit code in `a`; 0 is normal.
            exit Exit "exit" { a: Int } End Free general;
            /// The fuel spent so far.
            fuel Fuel "fuel" { d: IntOut } Next Free general;

            /// Load 8 bits, zero-extended.
            ld8 Ld8 "ld8" { a: Int, o: Offset, d: IntOut } Next Free fast;
            /// Load 8 bits, sign-extended.
            ld8s Ld8s "ld8s" { a: Int, o: Offset, d: IntOut } Next Free fast;
            /// Load 16 bits, zero-extended.
            ld16 Ld16 "ld16" { a: Int, o: Offset, d: IntOut } Next Free fast;
            /// Load 16 bits, sign-extended.
            ld16s Ld16s "ld16s" { a: Int, o: Offset, d: IntOut } Next Free fast;
            /// Load 32 bits, zero-extended.
            ld32 Ld32 "ld32" { a: Int, o: Offset, d: IntOut } Next Free fast;
            /// Load 32 bits, sign-extended.
            ld32s Ld32s "ld32s" { a: Int, o: Offset, d: IntOut } Next Free fast;
            /// Load 64 bits.
            ld64 Ld64 "ld64" { a: Int, o: Offset, d: IntOut } Next Free fast;
            /// Load a float.
            ldf64 LdF64 "ldf64" { a: Int, o: Offset, d: FloatOut } Next Free fast;
            /// Store the low 8 bits.
            st8 St8 "st8" { a: Int, o: Offset, b: Int } Next Free fast;
            /// Store the low 16 bits.
            st16 St16 "st16" { a: Int, o: Offset, b: Int } Next Free fast;
            /// Store the low 32 bits.
            st32 St32 "st32" { a: Int, o: Offset, b: Int } Next Free fast;
            /// Store 64 bits.
            st64 St64 "st64" { a: Int, o: Offset, b: Int } Next Free fast;
            /// Store a float; every NaN is stored as 0x7ff8000000000000.
            stf64 StF64 "stf64" { a: Int, o: Offset, b: Float } Next Free fast;
            /// Copy `len` bytes from address `a` to address `d`; the ranges may overlap.
            memcpy Memcpy "memcpy" { d: Int, a: Int, len: Int } Next Bulk general;
            /// Fill `len` bytes at address `d` with the low byte of `b`.
            memset Memset "memset" { d: Int, b: Int, len: Int } Next Bulk general;
            /// Compare `len` bytes: -1, 0 or 1.
            memcmp Memcmp "memcmp" { a: Int, b: Int, len: Int, d: IntOut } Next Bulk general;
            /// The length of the heap in bytes.
            heap Heap "heap" { d: IntOut } Next Free general;

            /// Print an integer in decimal.
            prti Prti "prti" { a: Int } Next Fixed(1) general;
            /// Print a float, the shortest text that reads back as the same value.
            prtf64 PrtF64 "prtf64" { a: Float } Next Fixed(1) general;
            /// Print one Unicode scalar. Traps when `a` is none.
            prtc Prtc "prtc" { a: Int } Next Fixed(1) general;
            /// Print `len` bytes at address `a` as UTF-8; what is invalid becomes U+FFFD.
            prtm Prtm "prtm" { a: Int, len: Int } Next Bulk general;

            /// Own pid.
            self_ SelfPid "self" { d: IntOut } Next Fixed(1) general;
            /// Own node number.
            node Node "node" { d: IntOut } Next Fixed(1) general;
            /// Start a process at a label; its `$0`…`$7` are copies of `$k`…`$k+7`; `d` is its pid.
            spawn Spawn "spawn" { l: Target, k: Window, d: IntOut } Next Fixed(16) general;
            /// `spawn` on the node with number `a`.
            spawnat Spawnat "spawnat" { a: Int, l: Target, k: Window, d: IntOut } Next Fixed(16) general;
            /// `spawn` and link at once.
            spawnlink Spawnlink "spawnlink" { l: Target, k: Window, d: IntOut } Next Fixed(16) general;
            /// `spawn` and monitor at once: `d` is the pid, `d+1` the reference.
            spawnmon Spawnmon "spawnmon" { l: Target, k: Window, d: IntOut2 } Next Fixed(16) general;
            /// Send to pid `p` with tag `t` the bytes at address `$m` of length `$m+1`.
            send Send "send" { p: Int, t: Int, m: IntPair } Next Bulk general;
            /// Send an integer, as 8 bytes.
            sendi Sendi "sendi" { p: Int, t: Int, a: Int } Next Bulk general;
            /// Send a float, as 8 bytes.
            sendf64 SendF64 "sendf64" { p: Int, t: Int, a: Float } Next Bulk general;
            /// Wait for a message with the tag in `$t` (-1: any) for at most `$t+1` ms (-1: for ever); flag: got one; `$d` tag, `$d+1` sender, `$d+2` length.
            recv Recv "recv" { t: IntPair, d: IntOut3 } Next Fixed(1) general;
            /// The current message as an integer. Traps when it is not 8 bytes long.
            msgi Msgi "msgi" { d: IntOut } Next Fixed(1) fast;
            /// The current message as a float. Traps when it is not 8 bytes long.
            msgf64 MsgF64 "msgf64" { d: FloatOut } Next Fixed(1) fast;
            /// Copy the current message to address `a`; `d` is its length.
            msgm Msgm "msgm" { a: Int, d: IntOut } Next Bulk general;
            /// Link with process `p`.
            link Link "link" { p: Int } Next Fixed(1) general;
            /// Undo a link.
            unlink Unlink "unlink" { p: Int } Next Fixed(1) general;
            /// Monitor process `p`; `d` is the reference.
            monitor Monitor "monitor" { p: Int, d: IntOut } Next Fixed(1) general;
            /// Stop the monitor with reference `a`.
            demonitor Demonitor "demonitor" { a: Int } Next Fixed(1) general;
            /// 1: exit signals arrive as messages; 0: they end the process.
            trapexit Trapexit "trapexit" { n: Switch } Next Fixed(1) general;
            /// Kill process `p` with the reason in `a`.
            kill Kill "kill" { p: Int, a: Int } Next Fixed(1) general;
            /// Give process `p` a name.
            register Register "register" { s: Data, p: Int } Next Fixed(1) general;
            /// Take the name from process `p`.
            unregister Unregister "unregister" { s: Data, p: Int } Next Fixed(1) general;
            /// The pid behind a name; flag: found.
            whereis Whereis "whereis" { s: Data, d: IntOut } Next Fixed(1) general;
            /// The number of nodes alive, with this one.
            nodes Nodes "nodes" { d: IntOut } Next Fixed(1) general;
            /// The number of the `a`-th node alive.
            nodeat Nodeat "nodeat" { a: Int, d: IntOut } Next Fixed(1) general;
            /// 1: node up and node down arrive as messages; 0: they do not.
            monnodes Monnodes "monnodes" { n: Switch } Next Fixed(1) general;
            /// Sleep for `a` milliseconds.
            sleep Sleep "sleep" { a: Int } Next Fixed(1) general;
            /// Let others run.
            yield_ Yield "yield" {} Next Fixed(1) general;
            /// Nanoseconds since 1970.
            now Now "now" { d: IntOut } Next Fixed(1) general;
            /// Nanoseconds since the start, never going back.
            mono Mono "mono" { d: IntOut } Next Fixed(1) general;
            /// 64 random bits.
            rand Rand "rand" { d: IntOut } Next Fixed(1) general;
            /// Call an imported host function; arguments and results in `$k`…`$k+7`.
            host Host "host" { f: Import, k: Window } Next Fixed(8) general;
        }
    };
}
