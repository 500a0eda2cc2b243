//! Send-once rights that are passed on between real processes: of each comes exactly one message or
//! one notification, whoever dies.

mod common;
#[path = "once_rights/stage.rs"]
mod stage;

use common::{inherited, role, sockets, spawn};
use shm_mach::{Deadline, Message, Notification, Options, ReceiveRight, Received, Right, SendFailure, join};
use stage::{ANSWER, Stage, call, child, once_of, unsent, unsent_home};

#[test]
fn the_next_task_answers() {
    const TEST: &str = "the_next_task_answers";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let third = stage.actor();
    for how in [call::PASS, call::PASS_AS_REPLY, call::PASS] {
        let holder = stage.holder();
        stage.pass(&holder, &third, how);
        assert_eq!(stage.answers.send_once_rights(), 1);
        stage.tell(&third, call::USE);
        stage.answered_by(&third);
    }
}

#[test]
fn long_answers_of_a_third_task_arrive_whole() {
    const TEST: &str = "long_answers_of_a_third_task_arrive_whole";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let third = stage.actor();
    let body: Vec<u8> = (0..100_000).map(|at| at as u8).collect();
    let holder = stage.holder();
    for round in 0..70 {
        if round > 0 {
            stage.give(&holder);
        }
        stage.pass(&holder, &third, call::PASS);
        third.port.send(Message::new(call::USE, &body)).unwrap();
        stage.hear(call::USE + 100);
        let mut message = Received::new();
        stage.answers.receive(&mut message).unwrap();
        assert!(message.body() == body, "{} bytes", message.body().len());
        stage.over();
    }
}

#[test]
fn a_right_goes_from_hand_to_hand() {
    const TEST: &str = "a_right_goes_from_hand_to_hand";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let actors = [stage.holder(), stage.actor(), stage.actor()];
    for step in 0..7 {
        stage.pass(&actors[step % 3], &actors[(step + 1) % 3], call::PASS);
    }
    stage.tell(&actors[1], call::USE);
    stage.answered_by(&actors[1]);
}

#[test]
fn a_right_comes_home() {
    const TEST: &str = "a_right_comes_home";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let (holder, third) = (stage.holder(), stage.actor());
    stage.pass(&holder, &third, call::PASS);
    stage.tell(&third, call::HOME);
    let mut message = Received::new();
    stage.service.receive(&mut message).unwrap();
    let once = once_of(&mut message).expect("the right");
    assert_eq!(stage.answers.send_once_rights(), 1);
    once.send(Message::new(1, b"to myself")).unwrap();
    stage.answers.receive(&mut message).unwrap();
    assert_eq!(message.body(), b"to myself");
    stage.over();
    // It is destroyed unread.
    let holder = stage.holder();
    stage.tell(&holder, call::HOME);
    drop(stage.service);
    stage.answers.receive(&mut message).unwrap();
    assert_eq!(message.notification(), Some(Notification::SendOnce));
    assert_eq!(stage.answers.send_once_rights(), 0);
    drop(stage.r);
}

#[test]
fn a_right_that_is_dropped_is_given_up() {
    const TEST: &str = "a_right_that_is_dropped_is_given_up";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let third = stage.actor();
    for knows_r in [false, true] {
        let holder = stage.holder();
        stage.pass(&holder, &third, call::PASS);
        stage.tell(&third, call::DROP);
        stage.given_up();
        if !knows_r {
            stage.tell(&third, call::MEET);
            stage.service.receive(&mut Received::new()).unwrap();
        }
    }
    // The message is destroyed unread.
    let unread =
        stage.tell(&third, call::UNREAD).take_rights().into_iter().find_map(Right::into_send).unwrap();
    let holder = stage.holder();
    stage.point(&holder, &unread);
    stage.tell(&holder, call::PASS);
    stage.tell(&third, call::DESTROY);
    stage.given_up();
}

#[test]
fn a_right_ends_with_its_holder() {
    const TEST: &str = "a_right_ends_with_its_holder";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    for has_received in [true, false] {
        let (holder, mut third) = (stage.holder(), stage.actor());
        if has_received {
            stage.pass(&holder, &third, call::PASS);
        } else {
            let unread =
                stage.tell(&third, call::UNREAD).take_rights().into_iter().find_map(Right::into_send);
            stage.point(&holder, &unread.unwrap());
            stage.tell(&holder, call::PASS);
        }
        third.peer.kill();
        stage.given_up();
    }
    // What it has answered comes.
    let (holder, mut third) = (stage.holder(), stage.actor());
    stage.pass(&holder, &third, call::PASS);
    stage.tell(&third, call::USE);
    third.peer.kill();
    let mut message = Received::new();
    stage.answers.receive(&mut message).unwrap();
    assert_eq!(message.body(), b"answered");
    stage.over();
}

#[test]
fn a_right_outlives_the_one_who_passed_it_on() {
    const TEST: &str = "a_right_outlives_the_one_who_passed_it_on";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let third = stage.actor();
    let mut holder = stage.holder();
    stage.pass(&holder, &third, call::PASS);
    holder.peer.kill();
    // R hears of it and asks the third task, which has it.
    for _ in 0..10 {
        stage.nothing_comes_to(&stage.answers);
    }
    assert_eq!(stage.answers.send_once_rights(), 1);
    stage.tell(&third, call::USE);
    stage.answered_by(&third);
}

#[test]
fn one_who_dies_before_its_message_is_sent_has_passed_nothing_on() {
    const TEST: &str = "one_who_dies_before_its_message_is_sent_has_passed_nothing_on";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    for _ in 0..3 {
        let (mut holder, _third) = unsent(&stage);
        assert_eq!(stage.answers.send_once_rights(), 1);
        holder.peer.kill();
        stage.given_up();
    }
}

#[test]
fn a_right_that_was_not_sent_home_is_not_waited_for() {
    const TEST: &str = "a_right_that_was_not_sent_home_is_not_waited_for";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let mut holder = unsent_home(&stage);
    assert_eq!(stage.answers.send_once_rights(), 1);
    holder.peer.kill();
    stage.given_up();
    let holder = unsent_home(&stage);
    stage.tell(&holder, call::USE);
    stage.answered_by(&holder);
}

#[test]
fn a_right_that_could_not_be_sent_is_still_good() {
    const TEST: &str = "a_right_that_could_not_be_sent_is_still_good";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let (holder, _third) = unsent(&stage);
    stage.tell(&holder, call::USE);
    stage.answered_by(&holder);

    let (holder, _third) = unsent(&stage);
    stage.tell(&holder, call::DROP);
    stage.given_up();

    let (holder, _third) = unsent(&stage);
    let fourth = stage.actor();
    stage.pass(&holder, &fourth, call::PASS);
    stage.tell(&fourth, call::USE);
    stage.answered_by(&fourth);

    let (holder, third) = unsent(&stage);
    stage.pass(&holder, &third, call::PASS);
    stage.tell(&third, call::USE);
    stage.answered_by(&third);

    // It ends with the one that it was for: that one may have had it, for all that R knows.
    let (holder, mut third) = unsent(&stage);
    third.peer.kill();
    stage.given_up();
    stage.tell_in_vain(&holder, call::USE);
    stage.over();
}

#[test]
fn a_right_that_was_passed_on_is_revoked() {
    const TEST: &str = "a_right_that_was_passed_on_is_revoked";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    // The identity of one that R has never heard of.
    let (holder, third) = (stage.holder(), stage.actor());
    third.port.send(Message::new(call::DESTROY, b"")).unwrap();
    let who = stage.hear(call::DESTROY + 200).sender();
    stage.pass(&holder, &third, call::PASS);
    assert!(stage.answers.revoke(who));
    stage.given_up();
    assert!(!stage.answers.revoke(who));
    stage.use_in_vain(&third);
}

#[test]
fn without_an_authority_nothing_is_passed_on_and_the_right_stays_good() {
    const TEST: &str = "without_an_authority_nothing_is_passed_on_and_the_right_stays_good";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        let mut message = Received::new();
        joined.receive.receive(&mut message).unwrap();
        let reply = message.take_reply().unwrap();
        let refused = joined.send.send(Message::new(1, b"").reply_to(reply)).unwrap_err();
        assert_eq!(refused.failure(), SendFailure::NotIntroduced);
        let reply =
            refused.into_message().take_reply().expect("a refused message comes back with its rights");
        let refused = joined.send.send(Message::new(1, b"").with_right(reply)).unwrap_err();
        let right = refused.into_message().take_rights().into_iter().find_map(Right::into_send_once);
        right.unwrap().send(Message::new(ANSWER, b"")).unwrap();
        return;
    }
    let (ours, theirs) = sockets();
    let peer = spawn(TEST, "child", theirs);
    let joined = join(ours, &Options::default()).unwrap();
    let replies = joined.task.allocate().unwrap();
    joined.send.send(Message::new(1, b"").reply_to(replies.make_send_once())).unwrap();
    let mut message = Received::new();
    replies.receive(&mut message).unwrap();
    assert_eq!((message.id(), replies.send_once_rights()), (ANSWER, 0));
    peer.finish();
}

#[test]
fn a_port_dies_while_its_right_is_elsewhere() {
    const TEST: &str = "a_port_dies_while_its_right_is_elsewhere";
    if role().is_some() {
        return child();
    }
    let mut stage = Stage::set(TEST);
    let (holder, third) = (stage.holder(), stage.actor());
    stage.pass(&holder, &third, call::PASS);
    stage.answers = stage.r.allocate().unwrap();
    third.port.send(Message::new(call::USE, b"late")).unwrap();
    let mut message = Received::new();
    stage.meeting.receive(&mut message).unwrap(); // either way
    // And the lane of that message is free again, as many times as there are lanes.
    for _ in 0..300 {
        stage.give(&holder);
        stage.pass(&holder, &third, call::PASS);
        stage.tell(&third, call::USE);
        stage.answered_by(&third);
    }
}

#[test]
fn a_revocation_of_all_ends_what_was_passed_on_too() {
    const TEST: &str = "a_revocation_of_all_ends_what_was_passed_on_too";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let (holder, third) = (stage.holder(), stage.actor());
    stage.pass(&holder, &third, call::PASS);
    assert!(stage.answers.revoke_all());
    stage.given_up();
    assert!(!stage.answers.revoke_all());
    stage.use_in_vain(&third);
    // One that is on its way to R.
    let holder = unsent_home(&stage);
    assert!(stage.answers.revoke_all());
    stage.given_up();
    stage.use_in_vain(&holder);
    // What is given afterwards is new.
    stage.give(&holder);
    stage.pass(&holder, &third, call::PASS);
    stage.tell(&third, call::USE);
    stage.answered_by(&third);
}

#[test]
fn a_revoked_issuer_takes_nothing_back() {
    const TEST: &str = "a_revoked_issuer_takes_nothing_back";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    for passes_again in [false, true] {
        let (holder, _third) = unsent(&stage);
        let who = stage.tell(&holder, call::FULL).sender();
        stage.answers.revoke(who);
        assert_eq!(stage.answers.send_once_rights(), 1, "the third task may have it");
        if passes_again {
            let fourth = stage.actor();
            stage.pass(&holder, &fourth, call::PASS);
            stage.given_up();
            stage.use_in_vain(&fourth);
        } else {
            stage.tell_either_way(&holder, call::USE);
            stage.given_up();
        }
    }
    // What it had sent stands.
    let (holder, third) = (stage.holder(), stage.actor());
    let who = stage.tell(&holder, call::FULL).sender();
    stage.pass(&holder, &third, call::PASS);
    stage.answers.revoke(who);
    stage.tell(&third, call::USE);
    stage.answered_by(&third);
}

#[test]
fn the_authoritys_program_ends_what_was_passed_on_too() {
    const TEST: &str = "the_authoritys_program_ends_what_was_passed_on_too";
    const ANSWERS: &str = "test.answers";
    if role().is_some() {
        return child();
    }
    let mut stage = Stage::set(TEST);
    stage.answers = stage.r.check_in(ANSWERS).unwrap();
    let (holder, third) = (stage.holder(), stage.actor());
    stage.pass(&holder, &third, call::PASS);
    let (policy, pid) = (stage.authority.policy().clone(), third.peer.0.id());
    std::thread::scope(|scope| {
        let revoked = scope.spawn(move || policy.revoke(pid, ANSWERS, Deadline::NEVER));
        stage.given_up();
        revoked.join().unwrap().unwrap();
    });
    stage.use_in_vain(&third);
}

/// A child answers a message with its right enclosed, and dies before that is received.
fn enclosed(stage: &Stage) -> ReceiveRight {
    let mut holder = stage.holder();
    let port = stage.director.allocate().unwrap();
    let request = Message::new(call::ENCLOSE, b"").reply_to(port.make_send_once());
    holder.port.send(request).unwrap();
    stage.hear(call::ENCLOSE + 100);
    holder.peer.kill();
    // The director has heard of it, and R has, and has asked the director.
    for round in 0.. {
        [&stage.meeting, &stage.answers].into_iter().for_each(|port| stage.nothing_comes_to(port));
        if round > 5 && port.send_once_rights() == 0 {
            break;
        }
    }
    port
}

#[test]
fn the_last_answer_of_the_dead_brings_its_right() {
    const TEST: &str = "the_last_answer_of_the_dead_brings_its_right";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let port = enclosed(&stage);
    let mut message = Received::new();
    port.receive(&mut message).unwrap();
    let once = once_of(&mut message).expect("the right");
    assert_eq!(stage.answers.send_once_rights(), 1);
    once.send(Message::new(ANSWER, b"")).unwrap();
    stage.answers.receive(&mut message).unwrap();
    assert_eq!((message.id(), message.sender().pid), (ANSWER, std::process::id()));
    stage.over();
    // It is destroyed unread.
    drop(enclosed(&stage));
    stage.given_up();
}

#[test]
fn what_the_dead_had_answered_by_a_number_holds_nothing_up() {
    const TEST: &str = "what_the_dead_had_answered_by_a_number_holds_nothing_up";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let (holder, mut third) = (stage.holder(), stage.holder());
    stage.tell(&third, call::DROP);
    let mut message = Received::new();
    stage.answers.receive(&mut message).unwrap();
    assert_eq!(message.notification(), Some(Notification::SendOnce));
    stage.pass(&holder, &third, call::PASS);
    stage.tell(&third, call::USE);
    // Another one, which it passes to R and does not send: R must hear it out before it gives that up.
    stage.give(&third);
    stage.try_home(&third);
    third.peer.kill();
    while stage.answers.send_once_rights() > 1 {
        stage.nothing_comes_to(&stage.service); // R hears of it before it receives the answer
    }
    stage.answers.receive(&mut message).unwrap();
    assert_eq!((message.id(), message.body()), (ANSWER, &b"answered"[..]));
    stage.given_up();
}
