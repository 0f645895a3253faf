//! Instructions of blocks, elements, checked arithmetic and text, on the oracle.

use iridium_isa::{DATA_BASE, Instruction as I, Module};
use iridium_vm::{Limits, TrapKind};

use super::blocks::{Held, held, room};
use super::state::{Go, Oracle, Outcome, bits};
use super::text::{find, float_text, number, sip};

impl Oracle {
    /// Does one of these instructions. What else comes here is a branch that is not taken.
    pub(super) fn step_compiled(
        &mut self,
        instruction: &I,
        module: &Module,
        limits: &Limits,
    ) -> Outcome {
        match instruction {
            I::New { d, n, v } => {
                self.spent += 1;
                self.allocate(limits, i64::from(n.0), u64::from(v.0), d.0)
            }
            I::Newv { a, d } => {
                self.spent += 1;
                self.allocate(limits, self.int(a.0), 0, d.0)
            }
            I::Free { a } if self.int(a.0) >= DATA_BASE => Err(TrapKind::ReadOnlyWrite),
            I::Free { a } => {
                let block = self.int(a.0);
                self.blocks.free(&mut self.heap, block)?;
                Ok(Go::Next)
            }
            I::Keep { a } => match held(&self.heap, self.int(a.0))? {
                Held::Uncounted => Ok(Go::Next),
                Held::Block(0xffff_fffd) => self.write(self.int(a.0), &[0xff; 4]),
                Held::Block(count) => self.write(self.int(a.0), &(count + 1).to_le_bytes()),
            },
            I::Drop { a, l } => match held(&self.heap, self.int(a.0)) {
                Ok(Held::Uncounted) => Ok(Go::Next),
                Ok(Held::Block(1)) => {
                    self.write(self.int(a.0), &[0; 4])?;
                    self.jump(i64::from(l.0), module)
                }
                Ok(Held::Block(count @ 2..)) => {
                    self.write(self.int(a.0), &(count - 1).to_le_bytes())
                }
                Ok(Held::Block(0)) | Err(_) => {
                    self.spent += 1;
                    Err(TrapKind::HeapOutOfBounds)
                }
            },
            I::Brsh { a, l } => match held(&self.heap, self.int(a.0)) {
                Ok(Held::Block(0 | 1)) => Ok(Go::Next),
                Ok(_) => self.jump(i64::from(l.0), module),
                Err(kind) => {
                    self.spent += 1;
                    Err(kind)
                }
            },
            I::Cap { a, d } => {
                let room = room(&self.heap, self.int(a.0))?;
                self.set(d.0, room as i64)
            }
            I::Addc { a, b, d } => {
                self.checked(d.0, i64::checked_add(self.int(a.0), self.int(b.0)))
            }
            I::Subc { a, b, d } => {
                self.checked(d.0, i64::checked_sub(self.int(a.0), self.int(b.0)))
            }
            I::Mulc { a, b, d } => {
                self.checked(d.0, i64::checked_mul(self.int(a.0), self.int(b.0)))
            }
            I::Addci { a, n, d } => self.checked(d.0, self.int(a.0).checked_add(i64::from(n.0))),
            I::Subci { a, n, d } => self.checked(d.0, self.int(a.0).checked_sub(i64::from(n.0))),
            I::Mulci { a, n, d } => self.checked(d.0, self.int(a.0).checked_mul(i64::from(n.0))),
            I::Negc { a, d } => self.checked(d.0, self.int(a.0).checked_neg()),
            I::Ldx64 { a, i, d } => {
                let at = self.element(module, a.0, i.0, 8)?;
                let value = i64::from_le_bytes(self.read(module, at, 0)?);
                self.set(d.0, value)
            }
            I::Ldx8 { a, i, d } => {
                let at = self.element(module, a.0, i.0, 1)?;
                let [byte] = self.read(module, at, 0)?;
                self.set(d.0, i64::from(byte))
            }
            I::LdxF64 { a, i, d } => {
                let at = self.element(module, a.0, i.0, 8)?;
                let value = f64::from_le_bytes(self.read(module, at, 0)?);
                self.setf(d.0, value)
            }
            I::Stx64 { a, i, b } => {
                let at = self.element(module, a.0, i.0, 8)?;
                self.write(at, &self.int(b.0).to_le_bytes())
            }
            I::Stx8 { a, i, b } => {
                let at = self.element(module, a.0, i.0, 1)?;
                self.write(at, &[self.int(b.0) as u8])
            }
            I::StxF64 { a, i, b } => {
                let at = self.element(module, a.0, i.0, 8)?;
                self.write(at, &bits(self.float(b.0)).to_le_bytes())
            }
            I::Trapm { n, a, len } => {
                self.spent += 1;
                let bytes = self.bytes(module, self.int(a.0), self.int(len.0))?;
                self.spent += bytes.len().min(1025) as u64 / 64;
                Err([
                    TrapKind::Panic,
                    TrapKind::Assert,
                    TrapKind::Unwrap,
                    TrapKind::MissingKey,
                    TrapKind::BadSlice,
                    TrapKind::Error,
                ][usize::from(n.0)])
            }
            I::Itoa { a, m, d } => {
                self.spent += 1;
                self.text_at(m.0, d.0, &format!("{}", self.int(a.0)))
            }
            I::Ftoa { a, m, d } => {
                let text = float_text(self.float(a.0), self.int(d.0));
                self.spent += 1 + text.len() as u64 / 64;
                self.text_at(m.0, d.0, &text)
            }
            I::Atof { a, len, d } => {
                self.spent += 1;
                let bytes = self.bytes(module, self.int(a.0), self.int(len.0))?;
                self.spent += bytes.len() as u64 / 64;
                let number = number(&bytes);
                self.flag = number.is_some();
                self.setf(d.0, number.unwrap_or(0.0))
            }
            I::Utf8 { a, len, d } => {
                self.spent += 1;
                let bytes = self.bytes(module, self.int(a.0), self.int(len.0))?;
                let valid = bytes.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
                self.spent += valid as u64 / 64;
                self.set(d.0, valid as i64)
            }
            I::Find { h, m, d } => {
                self.spent += 1;
                let needle = self.bytes(module, self.int(m.0), self.int(m.0 + 1))?;
                let hay = self.bytes(module, self.int(h.0), self.int(h.0 + 1))?;
                let found = find(&hay, &needle);
                let places = (hay.len() + 1).saturating_sub(needle.len()) as u64;
                let looked_at = if found < 0 { places } else { found as u64 + 1 };
                self.spent += looked_at / 64;
                // What begins as a long needle is compared to its end.
                let (begin, rest) = needle.split_at(needle.len().min(256));
                let alike = (0..looked_at as usize).filter(|at| hay[*at..].starts_with(begin));
                self.spent += alike.count() as u64 * (rest.len() as u64 / 64);
                self.set(d.0, found)
            }
            I::Hash { a, len, d } => {
                self.spent += 1;
                let bytes = self.bytes(module, self.int(a.0), self.int(len.0))?;
                self.spent += bytes.len() as u64 / 64;
                self.set(d.0, sip(self.int(d.0) as u64, &bytes) as i64)
            }
            // Branches that are not taken.
            _ => Ok(Go::Next),
        }
    }

    fn allocate(&mut self, limits: &Limits, bytes: i64, variant: u64, d: u8) -> Outcome {
        let bytes = u64::try_from(bytes).ok().filter(|bytes| *bytes >= 16);
        let bytes = bytes.ok_or(TrapKind::HeapLimit)?;
        let (block, grown) = self.blocks.allocate(&mut self.heap, limits.heap, bytes, variant)?;
        self.spent += grown / 64;
        self.set(d, block as i64)
    }

    fn checked(&mut self, number: u8, value: Option<i64>) -> Outcome {
        self.set(number, value.ok_or(TrapKind::IntegerOverflow)?)
    }

    /// The address of an element that a block has.
    fn element(&self, module: &Module, a: u8, i: u8, width: i64) -> Result<i64, TrapKind> {
        let (block, index) = (self.int(a), self.int(i));
        let length = u64::from_le_bytes(self.read(module, block, 8)?);
        if index as u64 >= length {
            return Err(TrapKind::IndexOutOfBounds);
        }
        Ok(block.wrapping_add(16).wrapping_add(index.wrapping_mul(width)))
    }

    fn text_at(&mut self, m: u8, d: u8, text: &str) -> Outcome {
        self.write(self.int(m), text.as_bytes())?;
        self.set(d, text.len() as i64)
    }
}
