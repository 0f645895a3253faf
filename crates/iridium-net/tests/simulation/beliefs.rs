//! What a node believes of what others say: gossip makes it dial or ask, and nothing else. Each of these
//! was found with a liar in the simulator.

use std::time::{Duration, Instant};

use iridium_net::Event;
use iridium_net::membership::{Action, ConnId, DialFailure, Input, Membership, Start, Timing};
use iridium_proto::{
    Features, HelloAck, Introduction, IridiumMessage, MemberRecord, MemberView, Members,
    NodeNumber, NodePort, Ping, PingAck, PingReq, Pong, RecordState, RejectReason, ViewState,
};

use crate::alone::{
    FRIEND, actions, digest, fail, intro, introduce, ip, link, link_by_hand, lone_core, ping,
    record, records, say, sent, tell, tell_at,
};
use crate::table::SECOND;
use crate::world::MS;

const OTHER: ConnId = ConnId(2);
const NOW: Duration = Duration::ZERO;

fn seen(core: &Membership, alias: &str) -> Option<MemberView> {
    core.view().into_iter().find(|m| m.info.alias.as_str() == alias)
}

fn state(core: &Membership, alias: &str) -> Option<ViewState> {
    seen(core, alias).map(|m| m.state)
}

fn linked() -> Membership {
    let mut core = lone_core(1, 1);
    link_by_hand(&mut core);
    say(&mut core, ping(), NOW);
    actions(&mut core);
    core
}

/// The same, and one more was linked a moment ago.
fn with_one_lost(alias: &str) -> Membership {
    let mut core = linked();
    link(&mut core, OTHER, intro(alias, 8), NOW);
    core.handle(Input::Closed { conn: OTHER }, NOW);
    core
}

/// The refusal of one whose life 8 is later, or over.
fn outdated(conn: ConnId) -> Action {
    Action::Send { conn, message: IridiumMessage::Reject(RejectReason::Outdated(8)) }
}

#[test]
fn what_is_told_of_one_that_was_never_met_refuses_it_nothing() {
    for (incarnation, state_told) in [
        (9, RecordState::Alive),
        (9, RecordState::Left),
        (8, RecordState::Left),
        (8, RecordState::Down),
        (8, RecordState::Forgotten),
        (9, RecordState::Forgotten),
    ] {
        let mut core = linked();
        tell(&mut core, record("other", incarnation, state_told));
        let honest = intro("other", 8);
        link(&mut core, OTHER, honest.clone(), NOW);
        let other = seen(&core, "other").unwrap();
        assert_eq!((other.state, other.id), (ViewState::Alive, honest.id), "{state_told:?}");
        assert_eq!(core.stranded(), None);
    }
}

/// A node that this one is told of, and dials, introduces itself in its answer. Gives what this node does
/// with it.
fn answered(core: &mut Membership, answer: Introduction) -> Vec<Action> {
    tell(core, record("other", 0, RecordState::Alive));
    let dial = actions(core).into_iter().find_map(|action| match action {
        Action::Dial { dial, .. } => Some(dial),
        _ => None,
    });
    core.handle(Input::Connected { dial: dial.unwrap(), conn: OTHER, remote: ip() }, NOW);
    actions(core);
    let ack = HelloAck { intro: answer, seen: ip(), nodes: Vec::new() };
    core.handle(Input::Message { conn: OTHER, message: IridiumMessage::HelloAck(ack) }, NOW);
    assert_eq!(core.stranded(), None);
    actions(core)
}

#[test]
fn who_is_dialled_has_no_number_of_another_and_no_incarnation_that_cannot_be() {
    let [me, friend] = [("me", 1), ("friend", 77)].map(|(alias, life)| intro(alias, life).id);
    let numbered = |number| {
        let mut answer = intro("other", 8);
        answer.id.number = number;
        answer
    };
    let endless = |life| Introduction { id: intro("other", life).id, ..intro("other", 8) };
    for (answer, is_linked) in [
        (intro("other", 8), true),
        (numbered(me.number), false),
        (numbered(friend.number), false),
        (endless(u64::MAX), false),
        (endless(u64::MAX / 2), false),
    ] {
        let done = answered(&mut linked(), answer.clone());
        let up = done.iter().any(|action| matches!(action, Action::Link { .. }));
        assert_eq!(up, is_linked, "{answer:?}: {done:?}");
        let closed = done.iter().any(|action| matches!(action, Action::Close { conn: OTHER, .. }));
        assert_eq!(closed, !is_linked, "{answer:?}: {done:?}");
    }
}

#[test]
fn a_member_keeps_its_number_until_it_is_down() {
    let mut core = with_one_lost("other");
    let mut thief = intro("thief", 9);
    thief.id.number = intro("other", 8).id.number;
    introduce(&mut core, ConnId(3), thief.clone(), NOW);
    let taken = IridiumMessage::Reject(RejectReason::NumberTaken);
    let refused = Action::Send { conn: ConnId(3), message: taken };
    assert!(actions(&mut core).contains(&refused));
    link(&mut core, ConnId(4), intro("other", 8), NOW);
    assert_eq!(state(&core, "other"), Some(ViewState::Alive));
    // When it is, another may have it.
    let mut core = with_one_lost("other");
    let mut now = NOW;
    while state(&core, "other") != Some(ViewState::Down) {
        dialled(&mut core, now, now + SECOND);
        now += SECOND;
    }
    link(&mut core, ConnId(3), thief, now);
    assert_eq!(state(&core, "thief"), Some(ViewState::Alive));
}

#[test]
fn the_node_number_is_the_one_of_the_node_whatever_others_say() {
    let mut core = linked();
    let mut told = record("other", 8, RecordState::Alive);
    told.id.number = NodeNumber::new(4711).unwrap();
    tell(&mut core, told);
    link(&mut core, OTHER, intro("other", 8), NOW);
    let up = actions(&mut core).into_iter().find_map(|action| match action {
        Action::Emit(Event::Up { id, .. }) => Some(id),
        _ => None,
    });
    assert_eq!(up, Some(intro("other", 8).id));
}

/// The ports at which it dials, each of which fails.
fn dialled(core: &mut Membership, from: Duration, until: Duration) -> Vec<u16> {
    let (mut now, mut ports) = (from, Vec::new());
    while now < until {
        for action in actions(core) {
            let Action::Dial { dial, to } = action else { continue };
            ports.push(to.port());
            fail(core, dial, now);
        }
        // The friend goes on.
        say(core, ping(), now);
        assert_eq!(core.stranded(), None);
        now = core.poll_timeout().unwrap();
        core.handle_timeout(now);
    }
    ports
}

#[test]
fn a_later_life_of_which_others_tell_is_looked_for_and_the_known_one_not_given_up() {
    let mut core = with_one_lost("other");
    let mut told = record("other", 9, RecordState::Alive);
    told.info.port = NodePort::new(7).unwrap();
    let mut ports = Vec::new();
    for second in 0..20 {
        tell_at(&mut core, told.clone(), second * SECOND);
        ports.extend(dialled(&mut core, second * SECOND, (second + 1) * SECOND));
    }
    assert!(ports.contains(&7), "{ports:?}");
    let own = ports.iter().filter(|port| **port == 2254).count();
    assert!(own * 2 >= ports.len() - 1, "its own address in turn: {ports:?}");
    assert!(ports.len() < 40, "{ports:?}");
    let other = seen(&core, "other").unwrap();
    assert_eq!((other.id, other.state), (intro("other", 8).id, ViewState::Down));
    // It comes back as it was.
    link(&mut core, ConnId(3), intro("other", 8), 20 * SECOND);
    assert_eq!(state(&core, "other"), Some(ViewState::Alive));
}

#[test]
fn a_rumour_of_a_departure_is_seen_and_checked() {
    let mut core = with_one_lost("other");
    tell(&mut core, record("other", 8, RecordState::Left));
    assert_eq!(state(&core, "other"), Some(ViewState::Left));
    assert!(!dialled(&mut core, NOW, 20 * SECOND).is_empty(), "whether it is true");
    link(&mut core, ConnId(3), intro("other", 8), 20 * SECOND);
    assert_eq!(state(&core, "other"), Some(ViewState::Alive));
    // Its own word is final, whatever others say then.
    core.handle(Input::Message { conn: ConnId(3), message: IridiumMessage::Leave }, 20 * SECOND);
    tell_at(&mut core, record("other", 8, RecordState::Forgotten), 20 * SECOND);
    actions(&mut core);
    introduce(&mut core, ConnId(4), intro("other", 8), 20 * SECOND);
    assert!(actions(&mut core).contains(&outdated(ConnId(4))));
}

#[test]
fn a_rumour_that_a_member_is_forgotten_ends_neither_the_search_for_it_nor_goes_round() {
    let mut core = with_one_lost("other");
    dialled(&mut core, NOW, 20 * SECOND);
    tell_at(&mut core, record("other", 8, RecordState::Forgotten), 20 * SECOND);
    assert_eq!(state(&core, "other"), None);
    let mut told = Vec::new();
    for action in actions(&mut core) {
        match action {
            Action::Send { message, .. } => told.push(message),
            Action::Dial { dial, .. } => fail(&mut core, dial, 20 * SECOND),
            _ => {}
        }
    }
    let told = records(told);
    assert!(told.iter().all(|record| record.state != RecordState::Forgotten), "{told:?}");
    assert!(!dialled(&mut core, 20 * SECOND, 60 * SECOND).is_empty());
    link(&mut core, ConnId(3), intro("other", 8), 60 * SECOND);
    assert_eq!(state(&core, "other"), Some(ViewState::Alive));
}

#[test]
fn one_whose_disk_was_set_back_is_taken_when_its_later_life_is_long_gone() {
    let mut core = linked();
    link(&mut core, OTHER, intro("other", 8), NOW);
    core.handle(Input::Message { conn: OTHER, message: IridiumMessage::Leave }, NOW);
    dialled(&mut core, NOW, SECOND);
    introduce(&mut core, ConnId(3), intro("other", 7), SECOND);
    assert!(actions(&mut core).contains(&outdated(ConnId(3))));
    dialled(&mut core, SECOND, 20 * SECOND);
    link(&mut core, ConnId(4), intro("other", 7), 20 * SECOND);
    assert_eq!(state(&core, "other"), Some(ViewState::Alive));
}

#[test]
fn one_member_that_refuses_a_node_costs_it_no_link() {
    let mut core = with_one_lost("liar");
    let before = core.me().0;
    let (mut now, mut refusals) = (NOW, 0);
    while now < 3 * 3600 * SECOND {
        for action in actions(&mut core) {
            let Action::Dial { dial, .. } = action else { continue };
            refusals += 1;
            let conn = ConnId(10 + refusals);
            core.handle(Input::Connected { dial, conn, remote: ip() }, now);
            let reasons = [RejectReason::Outdated(99), RejectReason::NumberTaken];
            let message = IridiumMessage::Reject(reasons[refusals as usize % 2].clone());
            core.handle(Input::Message { conn, message }, now);
        }
        say(&mut core, ping(), now);
        now = core.poll_timeout().unwrap();
        core.handle_timeout(now);
    }
    assert!(refusals > 100);
    assert_eq!((core.me().0, state(&core, "friend")), (before, Some(ViewState::Alive)));
}

#[test]
fn a_refutation_that_others_tell_changes_no_list_and_does_not_run_away() {
    let mut core = linked();
    let before = digest(&mut core);
    let told = |alias, incarnation, refutation| MemberRecord {
        refutation,
        ..record(alias, incarnation, RecordState::Suspect)
    };
    for _ in 0..1000 {
        tell(&mut core, told("friend", 77, u32::MAX));
        tell(&mut core, told("me", 1, u32::MAX));
    }
    assert_eq!(digest(&mut core), before);
    let contradicted = sent(&mut core);
    assert_eq!(contradicted.len(), 0, "once in a while");
}

#[test]
fn a_claim_that_is_refused_in_the_end_leaves_no_member_alive_without_a_link() {
    let mut core = linked();
    // A later life of the friend waits until the friend has been asked.
    introduce(&mut core, OTHER, intro("friend", 78), NOW);
    // Meanwhile another node comes with the number that it has.
    let mut third = intro("third", 5);
    third.id.number = intro("friend", 78).id.number;
    link(&mut core, ConnId(3), third, NOW);
    core.handle(Input::Closed { conn: FRIEND }, NOW);
    assert_eq!(core.stranded(), None);
    assert_eq!(state(&core, "friend"), Some(ViewState::Suspect));
}

#[test]
fn only_those_who_were_asked_say_whether_a_member_is_reached() {
    let mut core = with_one_lost("other");
    let asked = sent(&mut core).into_iter().find_map(|message| match message {
        IridiumMessage::PingReq(request) => Some(request.token),
        _ => None,
    });
    let token = asked.unwrap();
    // One that comes later was not asked.
    link(&mut core, ConnId(3), intro("liar", 9), NOW);
    let pass = |core: &mut Membership, until: Duration| {
        while let Some(now) = core.poll_timeout().filter(|now| *now < until) {
            core.handle_timeout(now);
            for message in sent(core) {
                let IridiumMessage::PingReq(request) = message else { continue };
                let ack = PingAck { token: request.token, reached: false };
                say(core, IridiumMessage::PingAck(ack), now);
            }
        }
    };
    // Before the second round, in which it would be asked.
    let soon = 1200 * MS;
    pass(&mut core, soon);
    for token in token..token + 50 {
        let ack = IridiumMessage::PingAck(PingAck { token, reached: true });
        core.handle(Input::Message { conn: ConnId(3), message: ack }, soon);
    }
    core.handle(Input::Closed { conn: ConnId(3) }, soon);
    pass(&mut core, 5200 * MS);
    assert_eq!(state(&core, "other"), Some(ViewState::Down));
}

/// Lets time pass in which those on these links say whether they reach whoever is asked for, and each
/// dial fails: because nobody listens there, if it refuses.
fn with_answers(core: &mut Membership, answers: &[(ConnId, bool)], refuses: bool, until: Duration) {
    let mut now = NOW;
    while now < until {
        for (conn, _) in answers {
            core.handle(Input::Message { conn: *conn, message: ping() }, now);
        }
        for action in actions(core) {
            match action {
                Action::Send { conn, message: IridiumMessage::PingReq(request) } => {
                    let answer = answers.iter().find(|(of, _)| *of == conn);
                    let Some(&(_, reached)) = answer else { continue };
                    let ack = IridiumMessage::PingAck(PingAck { token: request.token, reached });
                    core.handle(Input::Message { conn, message: ack }, now);
                }
                Action::Dial { dial, .. } if refuses => {
                    let failure = DialFailure::Refused;
                    core.handle(Input::DialFailed { dial, failure }, now);
                }
                Action::Dial { dial, .. } => fail(core, dial, now),
                _ => {}
            }
        }
        now = core.poll_timeout().unwrap();
        core.handle_timeout(now);
    }
}

/// One that is lost, while others are linked that are asked for it.
fn lost_among(others: &[ConnId]) -> Membership {
    let mut core = linked();
    for conn in others {
        link(&mut core, *conn, intro(&format!("helper{}", conn.0), 10 + conn.0), NOW);
    }
    link(&mut core, OTHER, intro("other", 8), NOW);
    actions(&mut core);
    core.handle(Input::Closed { conn: OTHER }, NOW);
    core
}

#[test]
fn one_that_says_it_reaches_a_dead_member_does_not_keep_it_alive_against_others() {
    let [honest, liar] = [ConnId(3), ConnId(4)];
    let mut core = lost_among(&[honest, liar]);
    let answers = [(FRIEND, false), (honest, false), (liar, true)];
    with_answers(&mut core, &answers, false, 6 * SECOND);
    assert_eq!(state(&core, "other"), Some(ViewState::Down));
    // Word against word, it counts that its machine refuses.
    for (refuses, expected) in [(true, ViewState::Down), (false, ViewState::Suspect)] {
        let mut core = lost_among(&[liar]);
        with_answers(&mut core, &[(FRIEND, false), (liar, true)], refuses, 20 * SECOND);
        assert_eq!(state(&core, "other"), Some(expected), "{refuses}");
    }
    // One that most reach lives, although this node does not reach it.
    let mut core = lost_among(&[honest, liar]);
    let answers = [(FRIEND, true), (honest, true), (liar, false)];
    with_answers(&mut core, &answers, true, 60 * SECOND);
    assert_eq!(state(&core, "other"), Some(ViewState::Suspect));
}

#[test]
fn who_has_left_stays_away_for_a_while_whatever_is_told_of_a_later_life() {
    let mut core = linked();
    link(&mut core, OTHER, intro("other", 8), NOW);
    core.handle(Input::Message { conn: OTHER, message: IridiumMessage::Leave }, NOW);
    for told in [RecordState::Alive, RecordState::Forgotten, RecordState::Suspect] {
        tell(&mut core, record("other", 9, told));
        tell(&mut core, record("other", 11, told));
    }
    for at in [NOW, 4 * SECOND] {
        dialled(&mut core, NOW, at);
        introduce(&mut core, ConnId(3), intro("other", 8), at);
        assert!(actions(&mut core).contains(&outdated(ConnId(3))), "{at:?}");
    }
    // It may have been another who took leave in its name.
    link(&mut core, ConnId(4), intro("other", 8), 20 * SECOND);
    assert_eq!(state(&core, "other"), Some(ViewState::Alive));
}

#[test]
fn who_makes_up_names_leaves_room_for_those_that_others_name() {
    let mut core = linked();
    let list = |from: usize| {
        let nodes = from..from + 1000;
        let made_up = nodes.map(|n| record(&format!("made-up{n}"), 1, RecordState::Alive));
        Members { nodes: made_up.collect(), answer: false }
    };
    for from in 0..8 {
        say(&mut core, IridiumMessage::Members(list(1000 * from)), NOW);
    }
    let made_up = core.view().len() - 2;
    assert!((1000..=1024).contains(&made_up), "{made_up}");
    link(&mut core, OTHER, intro("other", 8), NOW);
    let told = Members { nodes: vec![record("honest", 5, RecordState::Alive)], answer: false };
    core.handle(Input::Message { conn: OTHER, message: IridiumMessage::Members(told) }, NOW);
    assert_eq!(state(&core, "honest"), Some(ViewState::Suspect), "known, and to be met");
    assert_eq!(core.stranded(), None);
}

#[test]
fn one_that_others_miss_is_asked_by_the_next_heartbeat_though_it_was_heard_just_now() {
    // A neighbour in the ring of this node, and one that it seldom asks.
    for place in [0, 5] {
        for told in [RecordState::Suspect, RecordState::Down] {
            let mut core = linked();
            for other in 0..10 {
                link(&mut core, ConnId(10 + other), intro(&format!("n{other}"), 10 + other), NOW);
            }
            actions(&mut core);
            tell(&mut core, record(&format!("n{place}"), 10 + place, told));
            core.handle_timeout(500 * MS);
            let is_asked = |action: Action| match action {
                Action::Send { conn, message: IridiumMessage::Ping(_) } => conn.0 == 10 + place,
                _ => false,
            };
            assert!(actions(&mut core).into_iter().any(is_asked), "n{place}, {told:?}");
            assert_eq!(state(&core, &format!("n{place}")), Some(ViewState::Alive));
        }
    }
}

/// How long a member is looked for of which others tell, and that never answers: each dial takes so long.
fn looked_for(dial_takes: Duration) -> Duration {
    let mut core = linked();
    tell(&mut core, record("other", 9, RecordState::Alive));
    let (mut now, mut dials) = (NOW, Vec::new());
    while state(&core, "other") == Some(ViewState::Suspect) {
        for action in actions(&mut core) {
            match action {
                Action::Dial { dial, .. } => dials.push((now + dial_takes, dial)),
                Action::Send { message: IridiumMessage::PingReq(asked), .. } => {
                    let ack = PingAck { token: asked.token, reached: false };
                    say(&mut core, IridiumMessage::PingAck(ack), now);
                }
                _ => {}
            }
        }
        // The friend goes on.
        say(&mut core, ping(), now);
        let timeout = core.poll_timeout().unwrap();
        now = dials.iter().map(|(end, _)| *end).fold(timeout, Duration::min);
        for (_, dial) in dials.extract_if(.., |(end, _)| *end <= now) {
            fail(&mut core, dial, now);
        }
        core.handle_timeout(now);
    }
    now
}

#[test]
fn who_never_answers_is_soon_down_however_long_a_dial_takes() {
    for dial_takes in (100..4_000).step_by(50) {
        let took = looked_for(dial_takes * MS);
        assert!(took <= 10 * SECOND, "{took:?} with dials of {dial_takes} ms");
    }
}

#[test]
fn what_this_node_remembers_is_tried_though_another_says_that_it_is_forgotten() {
    let mut remembered = intro("other", 8).info;
    remembered.port = NodePort::new(7).unwrap();
    let start = Start {
        intro: intro("me", 1),
        timing: Timing::lan(),
        features: Features::NONE,
        remembered: vec![remembered],
        may_renumber: true,
        seed: 1,
    };
    let mut core = Membership::new(start, NOW);
    link_by_hand(&mut core);
    say(&mut core, ping(), NOW);
    tell(&mut core, record("other", 8, RecordState::Forgotten));
    dialled(&mut core, NOW, SECOND);
    let later = dialled(&mut core, SECOND, 60 * SECOND);
    assert!(later.contains(&7), "{later:?}");
}

#[test]
fn where_all_ask_about_all_each_answer_is_looked_up_and_not_searched_for() {
    const MEMBERS: u64 = 200;
    let (conn, id) =
        (|number| ConnId(100 + number), |number| intro(&format!("n{number}"), 100 + number));
    let mut core = linked();
    (0..MEMBERS).for_each(|number| link(&mut core, conn(number), id(number), NOW));
    actions(&mut core);
    for (asker, target) in (0..MEMBERS).flat_map(|asker| (0..MEMBERS).map(move |to| (asker, to))) {
        let request = PingReq { token: target, target: id(target).id };
        let message = IridiumMessage::PingReq(request);
        core.handle(Input::Message { conn: conn(asker), message }, NOW);
    }
    let (mut answered, began) = (0, Instant::now());
    for action in actions(&mut core) {
        let Action::Send { conn, message: IridiumMessage::Ping(Ping { token, digest }) } = action
        else {
            continue;
        };
        let message = IridiumMessage::Pong(Pong { token, digest });
        core.handle(Input::Message { conn, message }, NOW);
        answered += actions(&mut core).len() as u64;
    }
    assert_eq!(answered, MEMBERS * MEMBERS);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}
