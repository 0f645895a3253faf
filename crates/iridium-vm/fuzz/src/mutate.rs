//! A deterministic mutator: the same seed and number give the same input.

/// SplitMix64, by Sebastiano Vigna: small, and good enough to choose mutations.
pub struct Random(u64);

impl Random {
    /// The stream for one input of a run.
    pub fn new(seed: u64, number: u64) -> Self {
        Self(seed ^ number.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.number() % end as u64) as usize }
    }
}

/// Inputs do not grow beyond this.
const LONGEST: usize = 16 << 10;

/// What source texts and files are sensitive to.
const PIECES: [&[u8]; 30] = [
    b"$",
    b"#",
    b"@",
    b":",
    b";",
    b"'",
    b"\"",
    b"\\",
    b"\n",
    b",",
    b".data\n",
    b".code\n",
    b".entry ",
    b".export ",
    b".zero #",
    b".asciiz '",
    b"#-1",
    b"#0x7fffffffffffffff",
    b"#4294967296",
    b"#nan",
    b"$255",
    b"$0",
    b"@l",
    b"load ",
    b"add ",
    b"brlt ",
    b"call ",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\xc3\xbc",
];

/// An input: a seed, changed in one to four places.
pub fn mutate(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = seeds.get(random.below(seeds.len())).cloned().unwrap_or_default();
    for _ in 0..=random.below(4) {
        change(&mut input, seeds, &PIECES, random);
    }
    input.truncate(LONGEST);
    input
}

/// Changes one place. `pieces` are what may come into it.
pub(crate) fn change(
    input: &mut Vec<u8>,
    seeds: &[Vec<u8>],
    pieces: &[&[u8]],
    random: &mut Random,
) {
    let at = random.below(input.len());
    let end = at + random.below((input.len() - at).min(64) + 1);
    // Changes in place most often: what moves the rest of a file mostly gets it refused.
    match random.below(24) {
        0..=5 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        6..=9 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = random.number() as u8;
            }
        }
        10..=13 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = byte.wrapping_add(random.below(5) as u8).wrapping_sub(2);
            }
        }
        14 | 15 => drop(input.drain(at..end)),
        16 | 17 => {
            let part = input[at..end].to_vec();
            let to = random.below(input.len() + 1);
            drop(input.splice(to..to, part));
        }
        18 | 19 => {
            let piece = pieces[random.below(pieces.len())];
            drop(input.splice(at..at, piece.iter().copied()));
        }
        20 | 21 => {
            let piece = pieces[random.below(pieces.len())];
            let end = (at + piece.len()).min(input.len());
            drop(input.splice(at..end, piece.iter().copied()));
        }
        22 => {
            let Some(other) = seeds.get(random.below(seeds.len())) else { return };
            let from = random.below(other.len());
            let to = from + random.below((other.len() - from).min(128) + 1);
            drop(input.splice(at..end, other[from..to].iter().copied()));
        }
        _ => input.truncate(at),
    }
}

#[cfg(test)]
mod tests {
    use super::{Random, mutate};

    #[test]
    fn the_same_seed_gives_the_same_inputs() {
        let seeds = vec![b"load $0 #1".to_vec(), Vec::new(), b"hlt".to_vec()];
        let inputs = |seed| -> Vec<_> {
            (0..5000).map(|number| mutate(&seeds, &mut Random::new(seed, number))).collect()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
    }
}
