//! How members end that were hardly there, that are to be forgotten, or whose counters are at
//! their end.

use std::time::Duration;

use iridium_net::membership::{Action, ConnId, DialFailure, Input, Membership, Timing};
use iridium_net::{Endpoint, Event, ForgetError};
use iridium_proto::{
    Features, Hello, IridiumMessage, Members, Ping, PingReq, Pong, RecordState, RejectReason,
    ViewState,
};

use crate::alone::{
    FRIEND, actions, digest, intro, ip, link, link_by_hand, lone_core, record, records, run, say,
    sent, tell, tell_at,
};
use crate::table::{SECOND, count, isolate, mesh, refusal, until};
use crate::world::{Machine, World};

/// Whether a node lists another as down, or not at all.
fn is_gone(world: &World, machine: Machine, other: Machine) -> bool {
    matches!(world.sees(machine, other), None | Some(ViewState::Down))
}

#[test]
fn a_dial_need_not_begin_when_the_other_end_was_quicker() {
    let mut core = lone_core(99, 1);
    link(&mut core, FRIEND, intro("friend", 77), Duration::ZERO);
    tell(&mut core, record("other", 50, RecordState::Alive));
    let dial = actions(&mut core).into_iter().find_map(|action| match action {
        Action::Dial { dial, .. } => Some(dial),
        _ => None,
    });
    let dial = dial.unwrap();
    assert!(core.wants(dial));
    link(&mut core, ConnId(2), intro("other", 50), Duration::ZERO);
    assert!(!core.wants(dial) && core.open_dials().next().is_none());
    assert_eq!(core.stranded(), None);
}

#[test]
fn one_that_ends_while_it_is_introduced_is_down_or_gone_everywhere() {
    for delay in 0..120 {
        let mut world = mesh(delay, 3, 1);
        world.start(3, &[0, 1]);
        world.run_for(Duration::from_micros(delay * 150));
        world.kill(3);
        let down = world.timing.down_after + SECOND;
        until(&mut world, down, "gone everywhere", |w| (0..3).all(|m| is_gone(w, m, 3)));
        world.run_for(60 * SECOND);
        for machine in 0..3 {
            assert!(is_gone(&world, machine, 3), "gossip has brought it back at {machine}");
            let remembered = world.nodes[machine].peers.contains(&world.nodes[3].info());
            let was_up =
                |e: &Event| matches!(e, Event::Up { id, .. } if id.alias == world.nodes[3].alias);
            assert!(!remembered || count(&world, machine, was_up) > 0, "never met, yet remembered");
        }
        assert_eq!(world.flaw(), None);
    }
}

#[test]
fn one_of_which_only_gossip_tells_is_down_in_the_end() {
    let mut core = lone_core(1, 1);
    link_by_hand(&mut core);
    tell(&mut core, record("ghost", 5, RecordState::Alive));
    let ghost = |core: &Membership| {
        core.view().into_iter().find(|m| m.info.alias.as_str() == "ghost").map(|m| m.state)
    };
    assert_eq!(ghost(&core), Some(ViewState::Suspect));
    run(&mut core, Duration::ZERO, 20 * SECOND);
    assert_eq!(ghost(&core), Some(ViewState::Down));
}

#[test]
fn a_dead_member_can_be_forgotten_at_all_nodes() {
    for seed in 0..10 {
        let mut world = mesh(seed, 4, 0);
        let known = |w: &World, m: Machine| w.sees(m, 2).is_some();
        let alive = ForgetError::NotDown { alias: world.nodes[2].alias.clone() };
        assert_eq!(world.forget(0, 2), Err(alive));
        world.kill(2);
        world.run_for(2 * SECOND);
        assert_eq!(world.forget(0, 2), Ok(()));
        world.run_for(SECOND);
        assert!([0, 1, 3].iter().all(|&m| !known(&world, m)), "gone from the lists");
        let info = world.nodes[2].info();
        assert!([0, 1, 3].iter().all(|&m| !world.nodes[m].peers.contains(&info)));
        assert!(matches!(world.forget(1, 2), Err(ForgetError::Unknown { .. })));
        world.run_for(120 * SECOND);
        assert!([0, 1, 3].iter().all(|&m| !known(&world, m)), "late gossip changes nothing");
        // A later incarnation of the alias is another node.
        world.start(2, &[1]);
        until(&mut world, 5 * SECOND, "the alias is back", World::is_one_mesh);
    }
}

#[test]
fn one_that_was_cut_off_learns_later_that_a_member_is_forgotten() {
    for seed in 0..10 {
        let mut world = mesh(seed, 4, 0);
        isolate(&mut world, 3);
        world.kill(2);
        world.run_for(20 * SECOND);
        assert_eq!(world.sees(3, 2), Some(ViewState::Down));
        assert_eq!(world.forget(0, 2), Ok(()));
        world.blocked.clear();
        until(&mut world, 15 * SECOND, "one mesh", World::is_one_mesh);
        world.run_for(SECOND);
        assert!([0, 1, 3].iter().all(|&m| world.sees(m, 2).is_none()));
        assert!([0, 1, 3].iter().all(|&m| !world.nodes[m].peers.contains(&world.nodes[2].info())));
    }
}

#[test]
fn a_peer_of_an_earlier_run_can_be_forgotten_too() {
    for forgetful in [0, 1] {
        let mut world = mesh(3, 3, 0);
        world.kill(2);
        world.run_for(2 * SECOND);
        world.kill(1);
        world.start(1, &[]);
        until(&mut world, 5 * SECOND, "one mesh", World::is_one_mesh);
        let info = world.nodes[2].info();
        assert!(world.nodes[1].peers.contains(&info), "it is still looked for");
        assert_eq!(world.forget(forgetful, 2), Ok(()));
        world.run_for(SECOND);
        for machine in [0, 1] {
            assert_eq!(world.sees(machine, 2), None);
            assert!(!world.nodes[machine].peers.contains(&info));
        }
    }
}

#[test]
fn who_was_forgotten_but_lives_comes_back_as_it_is() {
    let mut world = mesh(4, 3, 0);
    let before = world.id(2);
    isolate(&mut world, 2);
    world.run_for(10 * SECOND);
    assert_eq!(world.forget(0, 2), Ok(()));
    world.run_for(SECOND);
    world.blocked.clear();
    until(&mut world, 15 * SECOND, "one mesh", World::is_one_mesh);
    assert_eq!(world.id(2), before);
}

#[test]
fn an_incarnation_near_its_end_is_a_reason_to_refuse_and_no_loop() {
    for incarnation in [u64::MAX / 2, u64::MAX - 1] {
        let mut world = mesh(1, 2, 1);
        world.nodes[2].incarnation = incarnation;
        let before = world.counter;
        world.start(2, &[0]);
        world.run_for(10 * SECOND);
        assert_eq!(refusal(&world, 2), Some(RejectReason::Outdated(u64::MAX)));
        // What heartbeats and the data of two nodes take, and little more.
        assert!(world.counter - before < 2000, "{} steps", world.counter - before);
    }
}

#[test]
fn no_lie_about_an_incarnation_or_a_refutation_is_believed_to_the_end() {
    let mut core = lone_core(1, 1);
    link_by_hand(&mut core);
    let ping = IridiumMessage::Ping(Ping { token: 1, digest: 0 });
    core.handle(Input::Message { conn: FRIEND, message: ping }, Duration::ZERO);
    for incarnation in [u64::MAX, u64::MAX - 1, u64::MAX / 2] {
        tell(&mut core, record("third", incarnation, RecordState::Alive));
        assert!(core.view().iter().all(|member| member.id.alias.as_str() != "third"));
    }
    // It is alive, and linked: no rumour of its end is believed.
    let mut rumour = record("friend", 77, RecordState::Left);
    for refutation in [0, 1, u32::MAX] {
        rumour.refutation = refutation;
        tell(&mut core, rumour.clone());
        let seen = core.view().into_iter().find(|member| member.id == rumour.id);
        assert_eq!(seen.map(|member| member.state), Some(ViewState::Alive));
    }
    assert_eq!(core.stranded(), None);
}

#[test]
fn one_that_is_called_outdated_again_and_again_comes_back_ever_more_slowly() {
    let mut core = lone_core(1, 1);
    let seed = "10.0.0.9:2254".parse().unwrap();
    core.join(Endpoint::Addr(seed), true, Duration::ZERO);
    let (mut now, mut dials, mut conns) = (Duration::ZERO, 0, 0);
    while now < 60 * SECOND {
        while let Some(action) = core.poll_action() {
            let Action::Dial { dial, .. } = action else { continue };
            dials += 1;
            conns += 1;
            let (conn, remote) = (ConnId(conns), ip());
            core.handle(Input::Connected { dial, conn, remote }, now);
            let known = core.me().0.incarnation + 5;
            let message = IridiumMessage::Reject(RejectReason::Outdated(known));
            core.handle(Input::Message { conn, message }, now);
            assert_eq!(core.stranded(), None);
        }
        now = core.poll_timeout().unwrap();
        core.handle_timeout(now);
    }
    assert!((5..40).contains(&dials), "{dials} dials in a minute");
}

#[test]
fn members_that_somebody_has_made_up_are_bounded_and_soon_forgotten() {
    let mut core = lone_core(1, 1);
    link_by_hand(&mut core);
    for (from, state) in [(0, RecordState::Alive), (20_000, RecordState::Forgotten)] {
        let made_up = |n: u64| record(&format!("made-up-{}", from + n), 2, state);
        let nodes = (0..10_000).map(made_up).collect();
        let message = IridiumMessage::Members(Members { nodes, answer: false });
        core.handle(Input::Message { conn: FRIEND, message }, Duration::ZERO);
        let known = core.view().len();
        assert!((100..2_500).contains(&known), "{known}");
    }
    while let Some(action) = core.poll_action() {
        if let Action::SavePeers(peers) = action {
            assert!(peers.len() <= 1, "{} were never met", peers.len());
        }
    }
    run(&mut core, Duration::ZERO, 200 * SECOND);
    let known = core.view().len();
    assert!(known <= 2, "{known}");
}

#[test]
fn refutations_grow_in_bounded_steps() {
    let mut core = lone_core(1, 1);
    link_by_hand(&mut core);
    let mut said = record("me", 1, RecordState::Suspect);
    let mut last = 0;
    for (at, refutation) in (0..).zip([0, u32::MAX - 1, u32::MAX, u32::MAX]) {
        said.refutation = refutation;
        // It answers once in a while.
        tell_at(&mut core, said.clone(), at * SECOND);
        let own = records(sent(&mut core)).into_iter().find(|record| record.id == said.id);
        let now = own.unwrap().refutation;
        assert!(now > last && now <= last + 2, "from {last} to {now}");
        last = now;
    }
    assert_eq!(core.stranded(), None);
}

#[test]
fn what_a_node_has_only_heard_it_does_not_pass_on() {
    let mut core = lone_core(1, 1);
    link_by_hand(&mut core);
    let before = digest(&mut core);
    for (name, state) in [
        ("alive", RecordState::Alive),
        ("suspect", RecordState::Suspect),
        ("forgotten", RecordState::Forgotten),
    ] {
        tell(&mut core, record(name, 5, state));
    }
    let known: Vec<_> = records(sent(&mut core)).into_iter().map(|record| record.id).collect();
    let friend = intro("friend", 77).id;
    assert_eq!(known, [core.me().0, friend], "itself and whom it knows");
    assert_eq!(digest(&mut core), before, "its list is as before");
    // Nor does a newcomer hear of them.
    let hello = Hello { intro: intro("newcomer", 78), version: 1, features: Features::NONE };
    let first = IridiumMessage::Hello(hello);
    let conn = ConnId(2);
    core.handle(Input::Accepted { conn, remote: ip(), local: ip(), first }, Duration::ZERO);
    let answer = std::iter::from_fn(|| core.poll_action()).find_map(|action| match action {
        Action::Send { message: IridiumMessage::HelloAck(ack), .. } => Some(ack.nodes),
        _ => None,
    });
    assert_eq!(answer.map(|nodes| nodes.len()), Some(1), "the friend");
    assert_eq!(core.stranded(), None);
}

#[test]
fn probes_for_others_are_made_once_in_their_time_however_often_they_are_asked_for() {
    let mut core = lone_core(1, 1);
    link_by_hand(&mut core);
    say(&mut core, IridiumMessage::Ping(Ping { token: 1, digest: 0 }), Duration::ZERO);
    let target = ConnId(2);
    let hello = Hello { intro: intro("target", 78), version: 1, features: Features::NONE };
    let first = IridiumMessage::Hello(hello);
    core.handle(Input::Accepted { conn: target, remote: ip(), local: ip(), first }, Duration::ZERO);
    let ping = IridiumMessage::Ping(Ping { token: 1, digest: 0 });
    core.handle(Input::Message { conn: target, message: ping }, Duration::ZERO);
    while core.poll_action().is_some() {}
    let ask = |core: &mut Membership, token| {
        let id = intro("target", 78).id;
        say(core, IridiumMessage::PingReq(PingReq { token, target: id }), Duration::ZERO);
    };
    let mut pings = Vec::new();
    let mut acks = Vec::new();
    let mut take = |core: &mut Membership| {
        for action in std::iter::from_fn(|| core.poll_action()) {
            match action {
                Action::Send { conn, message: IridiumMessage::Ping(ping) } if conn == target => {
                    pings.push(ping.token);
                }
                Action::Send { conn: FRIEND, message: IridiumMessage::PingAck(ack) } => {
                    acks.push((ack.token, ack.reached));
                }
                _ => {}
            }
        }
        (pings.clone(), acks.clone())
    };
    for token in 0..1000 {
        ask(&mut core, token);
    }
    let (pings, acks) = take(&mut core);
    assert_eq!((pings.len(), acks.len()), (1, 0));
    let pong = IridiumMessage::Pong(Pong { token: pings[0], digest: 0 });
    core.handle(Input::Message { conn: target, message: pong }, Duration::ZERO);
    // The last question is answered, and those that come later at once.
    assert_eq!(take(&mut core).1, [(999, true)]);
    ask(&mut core, 1000);
    let (pings, acks) = take(&mut core);
    assert_eq!((pings.len(), acks), (1, vec![(999, true), (1000, true)]));
    assert_eq!(core.stranded(), None);
}

#[test]
fn no_made_up_node_that_refuses_this_one_costs_it_its_links() {
    let mut core = lone_core(1, 1);
    link_by_hand(&mut core);
    let ping = IridiumMessage::Ping(Ping { token: 1, digest: 0 });
    say(&mut core, ping.clone(), Duration::ZERO);
    let before = core.me().0;
    let friend_is_linked = |core: &Membership| {
        let friend = core.view().into_iter().find(|m| m.info.alias.as_str() == "friend");
        friend.is_some_and(|m| m.state == ViewState::Alive)
    };
    let mut conns = 10;
    for second in 1..200 {
        let now = second * SECOND;
        say(&mut core, ping.clone(), now);
        core.handle_timeout(now);
        tell_at(&mut core, record(&format!("ghost{second}"), 5, RecordState::Alive), now);
        let refusals = [
            RejectReason::Outdated(u64::MAX),
            RejectReason::Outdated(before.incarnation + 1),
            RejectReason::NumberTaken,
            RejectReason::AliasTaken(intro("me", 9).info),
        ];
        for action in std::iter::from_fn(|| core.poll_action()).collect::<Vec<_>>() {
            let Action::Dial { dial, .. } = action else { continue };
            conns += 1;
            let (conn, remote) = (ConnId(conns), ip());
            core.handle(Input::Connected { dial, conn, remote }, now);
            let message = IridiumMessage::Reject(refusals[conns as usize % 4].clone());
            core.handle(Input::Message { conn, message }, now);
        }
        let excluded = |action| matches!(action, Action::Emit(Event::Excluded(_)));
        assert!(!std::iter::from_fn(|| core.poll_action()).any(excluded));
        assert_eq!(core.me().0, before);
        assert!(friend_is_linked(&core));
        assert_eq!(core.stranded(), None);
    }
    assert!(conns > 100, "they were dialled");
}

#[test]
fn long_lists_come_in_parts_that_fit_and_who_has_ended_is_remembered_up_to_a_number() {
    let mut core = lone_core(1, 1);
    link_by_hand(&mut core);
    sent(&mut core);
    for number in 0..10_000_u64 {
        let conn = ConnId(100 + number);
        let alias = format!("{number:x<64}");
        let hello = Hello { intro: intro(&alias, 2), version: 1, features: Features::NONE };
        let first = IridiumMessage::Hello(hello);
        core.handle(Input::Accepted { conn, remote: ip(), local: ip(), first }, Duration::ZERO);
        let message = IridiumMessage::Leave;
        core.handle(Input::Message { conn, message }, Duration::ZERO);
        while core.poll_action().is_some() {}
    }
    let known = core.view().len();
    assert!((1_000..5_000).contains(&known), "{known}");
    say(&mut core, IridiumMessage::Members(Members { nodes: vec![], answer: true }), SECOND);
    let lists = sent(&mut core);
    let all = records(lists.clone()).len();
    assert_eq!(all, known);
    for list in lists {
        let mut frame = Vec::new();
        iridium_proto::encode_frame(&list, &mut frame).unwrap();
        assert!(frame.len() < 300_000, "{}", frame.len());
    }
    assert_eq!(core.stranded(), None);
}

#[test]
fn the_peers_are_saved_once_however_many_change() {
    let mut core = lone_core(1, 1);
    link_by_hand(&mut core);
    for number in 0..1000_u64 {
        let hello = Hello {
            intro: intro(&format!("n{number}"), 2 + number),
            version: 1,
            features: Features::NONE,
        };
        let (conn, first) = (ConnId(100 + number), IridiumMessage::Hello(hello));
        core.handle(Input::Accepted { conn, remote: ip(), local: ip(), first }, Duration::ZERO);
        let message = IridiumMessage::Ping(Ping { token: 1, digest: 0 });
        core.handle(Input::Message { conn, message }, Duration::ZERO);
        core.handle(Input::Closed { conn }, Duration::ZERO);
    }
    // Those with the same number could not be told apart, and are refused.
    let mut saved = 0;
    let mut most = 0;
    let mut now = Duration::ZERO;
    let end = Timing::lan().forget_after + 60 * SECOND;
    while now < end {
        while let Some(action) = core.poll_action() {
            match action {
                Action::Dial { dial, .. } => {
                    let failure = DialFailure::Unreachable("no network".into());
                    core.handle(Input::DialFailed { dial, failure }, now);
                }
                Action::SavePeers(peers) => {
                    saved += 1;
                    most = most.max(peers.len());
                }
                _ => {}
            }
        }
        // A node that is woken late finds many things due at once.
        now = core.poll_timeout().unwrap().max(now + 600 * SECOND);
        core.handle_timeout(now);
    }
    assert!(most > 500, "{most}");
    assert!(saved < 200, "{saved} times");
}

#[test]
fn an_address_at_which_nobody_can_be_dialled_is_told_once() {
    let mut world = mesh(1, 3, 1);
    world.walled.extend([(0, 3), (1, 3), (2, 3)]);
    world.nodes[3].hides_ip = false;
    world.start(3, &[0]);
    world.run_for(10 * SECOND);
    assert_eq!(world.flaw(), None, "it dials the others itself");
    let told =
        |e: &Event| matches!(e, Event::NotDialable { info } if info.addr() == world.nodes[3].addr);
    assert_eq!(count(&world, 3, told), 1);
    // Also when it comes back by itself.
    world.kill(3);
    world.run_for(2 * SECOND);
    world.start(3, &[]);
    world.run_for(10 * SECOND);
    assert_eq!(world.flaw(), None);
    let told =
        |e: &Event| matches!(e, Event::NotDialable { info } if info.addr() == world.nodes[3].addr);
    assert_eq!(count(&world, 3, told), 2);
}

#[test]
fn one_that_refuses_dials_but_is_reached_by_others_is_not_down() {
    let mut world = mesh(1, 1, 2);
    // Both publish an address at which nobody listens, so only the first links them.
    for machine in [1, 2] {
        world.start(machine, &[0]);
        world.nodes[machine].addr.set_port(1);
    }
    for _ in 0..60 {
        world.run_for(SECOND);
        assert_eq!(world.sees(1, 2), Some(ViewState::Suspect));
        assert_eq!(world.sees(2, 1), Some(ViewState::Suspect));
    }
}
