//! Places for connections that have not authenticated yet. There is always one for a newcomer: when
//! all are taken, the slowest gives its own back, and first one of an address that has many. Of those
//! that have come no further than a stage there may be few, so that a crowd that says nothing takes no
//! place from who is in the middle of a handshake.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use crate::handshake::Stage;

/// Connections that may be at this stage at the same time.
pub(super) const PLACES: usize = 256;
/// Of one address, before it is the first to give places back.
const SHARE: usize = PLACES / 4;
/// At one stage of the handshake, but for the last, before these are the first to give places back.
const AT_STAGE: usize = PLACES / 4;
/// How long a connection may be at this stage.
pub(super) const TIME: Duration = Duration::from_secs(5);
/// How long everybody has a place at least: enough for what was sent along with the connection to be
/// read.
const LEAST: Duration = Duration::from_millis(2);
/// And after a step: enough for an answer, if it comes from near.
const LEAST_BETWEEN: Duration = Duration::from_millis(20);

/// Who has a place.
pub(super) struct Places<T> {
    /// In the order in which they came, which is that of their ends too.
    taken: BTreeMap<usize, Place<T>>,
    shares: HashMap<IpAddr, usize>,
    /// How many are at each stage.
    stages: [usize; Stage::COUNT],
    next: usize,
}

struct Place<T> {
    holder: T,
    network: IpAddr,
    until: Instant,
    /// When it came, or last went a step on.
    since: Instant,
    stage: Stage,
}

impl<T> Places<T> {
    /// Numbers of places begin here.
    pub(super) fn from(first: usize) -> Self {
        Self {
            taken: BTreeMap::new(),
            shares: HashMap::new(),
            stages: [0; Stage::COUNT],
            next: first,
        }
    }

    /// The number of the next place.
    pub(super) fn next(&self) -> usize {
        self.next
    }

    /// From when on there is a place for the next; `None` if there is one already.
    pub(super) fn free_at(&self) -> Option<Instant> {
        let loser = self.taken.get(&self.loser()?)?;
        let least = if loser.stage == Stage::Mute { LEAST } else { LEAST_BETWEEN };
        Some(loser.since + least)
    }

    /// Takes the next place. Gives back who has lost its own for that.
    pub(super) fn take(&mut self, holder: T, address: IpAddr, now: Instant) -> Option<T> {
        let lost = self.loser().and_then(|number| self.leave(number));
        let network = network(address);
        *self.shares.entry(network).or_default() += 1;
        let stage = Stage::Mute;
        self.stages[stage as usize] += 1;
        let place = Place { holder, network, until: now + TIME, since: now, stage };
        self.taken.insert(self.next, place);
        self.next += 1;
        lost
    }

    /// Gives a place back.
    pub(super) fn leave(&mut self, number: usize) -> Option<T> {
        let place = self.taken.remove(&number)?;
        if let Some(share) = self.shares.get_mut(&place.network) {
            *share -= 1;
            if *share == 0 {
                self.shares.remove(&place.network);
            }
        }
        self.stages[place.stage as usize] -= 1;
        Some(place.holder)
    }

    /// Who has a place.
    pub(super) fn holder(&mut self, number: usize) -> Option<&mut T> {
        self.taken.get_mut(&number).map(|place| &mut place.holder)
    }

    /// Notes that one has gone a step on, to that stage.
    pub(super) fn proceeds(&mut self, number: usize, stage: Stage, now: Instant) {
        if let Some(place) = self.taken.get_mut(&number) {
            place.since = now;
            self.stages[place.stage as usize] -= 1;
            place.stage = stage;
            self.stages[stage as usize] += 1;
        }
    }

    /// When the time of the first one ends.
    pub(super) fn first_end(&self) -> Option<Instant> {
        self.taken.first_key_value().map(|(_, place)| place.until)
    }

    /// Gives back the place of one whose time is over.
    pub(super) fn expire(&mut self, now: Instant) -> Option<T> {
        let (number, place) = self.taken.first_key_value()?;
        let over = (place.until <= now).then_some(*number)?;
        self.leave(over)
    }

    /// Gives back the place of the slowest, for what the system lacks.
    pub(super) fn shed(&mut self) -> Option<T> {
        let slowest = self.slowest()?;
        self.leave(slowest)
    }

    /// Who has to go for the next; `None` while there are places.
    fn loser(&self) -> Option<usize> {
        (self.taken.len() >= PLACES).then(|| self.slowest()).flatten()
    }

    /// Who has not gone on for the longest time: first among the addresses with more than a share, and
    /// of these first at the stages where many are.
    fn slowest(&self) -> Option<usize> {
        let crowds = self.shares.iter().filter(|(_, share)| **share > SHARE);
        let crowds: Vec<&IpAddr> = crowds.map(|(network, _)| network).collect();
        let rank = |place: &Place<T>| {
            let many = self.stages[place.stage as usize] > AT_STAGE;
            let stage = if many { place.stage } else { Stage::Proven };
            (!crowds.contains(&&place.network), stage, place.since)
        };
        self.taken.iter().min_by_key(|(_, place)| rank(place)).map(|(number, _)| *number)
    }
}

/// What counts as one address: of IPv6 the network of 64 bits, since each machine has a whole one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn the_slowest_gives_its_place_to_a_newcomer() {
        let (mut places, start) = (Places::from(0), Instant::now());
        for n in 0..PLACES {
            assert_eq!(places.take(n, ONE, start + ms(n as u64)), None);
        }
        places.proceeds(0, Stage::Mute, start + ms(999));
        assert_eq!(places.take(1000, ONE, start + ms(1000)), Some(1), "0 has gone on meanwhile");
        assert_eq!(places.take(1001, ONE, start + ms(1001)), Some(2));
        assert_eq!(places.taken.len(), PLACES);
    }

    #[test]
    fn who_has_many_places_loses_them_first() {
        let (mut places, start) = (Places::from(0), Instant::now());
        places.take(0, OTHER, start);
        for n in 1..PLACES {
            places.take(n, ONE, start + ms(1));
        }
        for n in 0..2 * PLACES {
            assert_ne!(places.take(PLACES + n, ONE, start + ms(2)), Some(0));
        }
        assert_eq!(places.leave(0), Some(0));
    }

    #[test]
    fn a_crowd_takes_no_place_from_who_has_come_further() {
        let mut places = Places::from(2);
        let start = Instant::now();
        for (number, stage) in [(2, Stage::Introduced), (3, Stage::Proven)] {
            places.take(number, ONE, start);
            places.proceeds(number, stage, start);
        }
        for n in 4..3 * PLACES {
            let lost = places.take(n, ONE, start + ms(1));
            assert!(lost != Some(2) && lost != Some(3));
        }
        for n in 3 * PLACES..6 * PLACES {
            assert_ne!(places.take(n, ONE, start + ms(2)), Some(3));
            places.proceeds(n, Stage::Introduced, start + ms(2));
        }
        assert_eq!((places.leave(2), places.leave(3)), (None, Some(3)));
    }

    #[test]
    fn a_crowd_that_comes_further_takes_no_place_at_once_from_who_is_about_to() {
        let (mut places, start) = (Places::from(0), Instant::now());
        let crowd = |places: &mut Places<usize>, of: std::ops::Range<usize>, at| {
            for n in of {
                assert_ne!(places.take(n, ONE, at), Some(PLACES));
                places.proceeds(n, Stage::Introduced, at);
            }
        };
        crowd(&mut places, 0..PLACES, start);
        places.take(PLACES, ONE, start + ms(1));
        crowd(&mut places, PLACES + 1..2 * PLACES, start + ms(2));
        assert_eq!(places.leave(PLACES), Some(PLACES));
        assert_eq!(places.stages, [0, PLACES - 1, 0]);
    }

    #[test]
    fn everybody_has_some_time() {
        let (mut places, start) = (Places::from(0), Instant::now());
        for n in 0..PLACES {
            assert_eq!(places.free_at(), None);
            places.take(n, ONE, start + ms(n as u64));
        }
        assert_eq!(places.free_at(), Some(start + LEAST));
        for n in 0..PLACES {
            places.proceeds(n, Stage::Introduced, start + ms(n as u64));
        }
        assert_eq!(places.free_at(), Some(start + LEAST_BETWEEN));
        places.leave(77);
        assert_eq!(places.free_at(), None);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), ONE);
    }

    #[test]
    fn times_end_in_turn_and_shares_are_given_back() {
        let (mut places, start) = (Places::from(7), Instant::now());
        places.take('a', ONE, start);
        places.take('b', OTHER, start + ms(5));
        assert_eq!(places.first_end(), Some(start + TIME));
        assert_eq!(places.expire(start + TIME - ms(1)), None);
        assert_eq!(places.expire(start + TIME), Some('a'));
        assert_eq!(places.expire(start + TIME), None);
        assert_eq!(places.holder(8), Some(&mut 'b'));
        assert_eq!(places.shed(), Some('b'));
        assert!(places.shares.is_empty() && places.first_end().is_none());
    }
}
