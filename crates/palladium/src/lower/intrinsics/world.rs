//! Output, clocks, chance and the arguments of the program.

use crate::lower::code::{Code, ELEMENTS, LENGTH, Value};
use crate::mir::{BinaryOp, Class, Inst, MachineOp, Operand, Reg};

impl Code<'_, '_> {
    pub(super) fn world_intrinsic(&mut self, name: &str, args: &[Value]) -> Value {
        let word = |n: usize| args[n][0];
        match name {
            "print_text" => {
                let bytes = self.bytes_of(word(0));
                self.machine(MachineOp::Print, &bytes, &[])
            }
            "eprint_text" => {
                let bytes = self.bytes_of(word(0));
                self.host("eprint", &bytes, &[])
            }
            "log_text" => {
                let [address, length] = self.bytes_of(word(1));
                self.host("log", &[word(0), address, length], &[])
            }
            "now_ns" => self.machine(MachineOp::Now, &[], &[Class::Int]),
            "mono_ns" => self.machine(MachineOp::Mono, &[], &[Class::Int]),
            "bits" => self.machine(MachineOp::Random, &[], &[Class::Int]),
            "sleep_ms" => self.machine(MachineOp::Sleep, &[word(0)], &[]),
            "arg_count" => self.host("env.arg_count", &[], &[Class::Int]),
            "arg_len" => self.host("env.arg_len", &[word(0)], &[Class::Int]),
            "arg_copy" => self.fill(word(1), "env.arg_copy", &[word(0)], &[]),
            "read_line_into" => self.fill(word(0), "stdin.read_line", &[], &[Class::Int]),
            "read_into" => self.fill(word(0), "stdin.read", &[], &[Class::Int]),
            "var_into" => {
                let name = self.bytes_of(word(0));
                self.fill(word(1), "env.var", &name, &[Class::Int])
            }
            "read_at" => {
                let [address, length] = self.bytes_of(word(0));
                let args = [address, length, word(1), word(2)];
                self.fill(word(3), "fs.read.at", &args, &[Class::Int; 3])
            }
            "names_in" => {
                let path = self.bytes_of(word(0));
                self.fill(word(1), "fs.read.list", &path, &[Class::Int])
            }
            "info_of" => self.on_path(word(0), "fs.read.info", &[Class::Int; 5]),
            "put" => {
                let [address, length] = self.bytes_of(word(0));
                let [contents, size] = self.bytes_of(word(2));
                let args = [address, length, word(1), contents, size];
                self.host("fs.write.put", &args, &[Class::Int])
            }
            "make_folder" => self.on_path(word(0), "fs.write.folder", &[Class::Int]),
            "remove_file" => self.on_path(word(0), "fs.write.remove", &[Class::Int]),
            "remove_empty" => self.on_path(word(0), "fs.write.remove_folder", &[Class::Int]),
            "move_to" => {
                let paths = [self.bytes_of(word(0)), self.bytes_of(word(1))].concat();
                self.host("fs.write.rename", &paths, &[Class::Int])
            }
            "open_connection" => {
                let [address, length] = self.bytes_of(word(0));
                let args = [address, length, word(1), word(2), word(3)];
                self.host("net.connect.open", &args, &[Class::Int])
            }
            "open_listener" => {
                let texts = [0, 1, 2].map(|n| self.bytes_of(word(n))).concat();
                self.host("net.listen.open", &texts, &[Class::Int])
            }
            _ => self.http_intrinsic(name, args),
        }
    }

    fn http_intrinsic(&mut self, name: &str, args: &[Value]) -> Value {
        let word = |n: usize| args[n][0];
        match name {
            "http_start" => {
                let texts = [0, 1, 2].map(|n| self.bytes_of(word(n))).concat();
                self.fill(word(3), "net.listen.http_start", &texts, &[Class::Int; 2])
            }
            "http_take" => {
                let args = [word(0), word(1)];
                self.fill(word(2), "net.listen.http_take", &args, &[Class::Int])
            }
            "http_renew" => {
                let [address, length] = self.bytes_of(word(1));
                let args = [word(0), address, length];
                self.fill(word(2), "net.listen.http_renew", &args, &[Class::Int])
            }
            "http_assign" => self.host("net.listen.http_assign", &[word(0), word(1)], &[]),
            "http_head" => self.fill(word(1), "net.listen.http_head", &[word(0)], &[Class::Int; 4]),
            "http_body" => self.fill(word(1), "net.listen.http_body", &[word(0)], &[Class::Int]),
            "http_answer" => {
                let texts = [self.bytes_of(word(2)), self.bytes_of(word(3))].concat();
                let args = [vec![word(0), word(1)], texts].concat();
                self.host("net.listen.http_answer", &args, &[Class::Int])
            }
            "http_begin" => {
                let [address, length] = self.bytes_of(word(2));
                let args = [word(0), word(1), address, length, word(3)];
                self.host("net.listen.http_begin", &args, &[Class::Int])
            }
            "http_write" => {
                let [address, length] = self.bytes_of(word(1));
                let args = [word(0), address, length];
                self.host("net.listen.http_write", &args, &[Class::Int])
            }
            "http_end" => self.host("net.listen.http_end", &[word(0)], &[Class::Int]),
            "http_websocket" => {
                let [address, length] = self.bytes_of(word(2));
                let args = [word(0), word(1), address, length];
                self.host("net.listen.http_websocket", &args, &[Class::Int])
            }
            "http_fetch" => {
                let texts = [self.bytes_of(word(0)), self.bytes_of(word(1))].concat();
                let args = [texts, vec![word(2), word(3)]].concat();
                self.host("net.connect.http_fetch", &args, &[Class::Int; 4])
            }
            "ws_open" => {
                let texts = [self.bytes_of(word(0)), self.bytes_of(word(1))].concat();
                let args = [texts, vec![word(2), word(3)]].concat();
                self.host("net.connect.ws_open", &args, &[Class::Int])
            }
            "http_fetched" => self.fill(word(0), "net.connect.http_take", &[], &[]),
            _ => Vec::new(),
        }
    }

    fn on_path(&mut self, path: Reg, host: &str, results: &[Class]) -> Value {
        let path = self.bytes_of(path);
        self.host(host, &path, results)
    }

    fn host(&mut self, name: &str, args: &[Reg], results: &[Class]) -> Value {
        let import = self.context.import(name);
        self.machine(MachineOp::Host(import), args, results)
    }

    /// Has a host function fill a string or bytes, as far as there is room. It gets the address and
    /// the room behind its own arguments, and the first result is the length.
    fn fill(&mut self, to: Reg, host: &str, args: &[Reg], others: &[Class]) -> Value {
        self.unique(to);
        let room = self.reg(Class::Int);
        self.emit(Inst::Capacity { d: room, s: to });
        let room = self.binary(BinaryOp::SubWrap, room, Operand::Imm(i32::from(ELEMENTS)));
        let address = self.address(to, ELEMENTS);
        let results = [&[Class::Int], others].concat();
        let mut results = self.host(host, &[args, &[address, room]].concat(), &results);
        let length = results.remove(0);
        self.store(to, LENGTH, length);
        results
    }
}
