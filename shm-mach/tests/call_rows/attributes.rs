//! What is asked about ports, and set.

use super::*;

/// Names without a receive right; NULL and DEAD are the first two.
fn no_ports(task: &Task) -> Vec<(RawName, PortError, i32)> {
    let set = task.allocate_right(RightKind::PortSet).unwrap();
    vec![
        (RawName::NULL, PortError::NoSuchRight, 17),
        (RawName::DEAD, PortError::NoSuchRight, 17),
        (stale(task).into(), PortError::UnknownName, 15),
        (set.into(), PortError::NoSuchRight, 17),
        (task.allocate_dead_name().unwrap().into(), PortError::NoSuchRight, 17),
    ]
}

/// The same for calls to which NULL and DEAD are names that nothing has.
fn unknown(task: &Task) -> Vec<(RawName, PortError, i32)> {
    let mut all = no_ports(task);
    for case in &mut all[..2] {
        (case.1, case.2) = (PortError::UnknownName, 15);
    }
    all
}

#[test]
fn o1_f11_set_mscount() {
    let (here, _there) = pair();
    let task = &here.task;
    let port = task.allocate().unwrap();
    let notify = task.allocate().unwrap();
    let right = port.make_send();
    task.set_mscount(port.name(), 41).unwrap();
    let more = port.make_send();
    assert_eq!(task.receive_status(port.name()).map(|status| status.mscount), Ok(42));
    drop((right, more));
    port.request_no_senders(43, &notify);
    is_empty(&notify);
    port.request_no_senders(42, &notify);
    assert_eq!(next(&notify).notification(), Some(Notification::NoSenders { mscount: 42 }));
    refuses(|name| task.set_mscount(name, 1), &no_ports(task));
}

#[test]
fn o2_f12_set_seqno() {
    let task = task();
    let port = task.allocate().unwrap();
    let right = port.make_send();
    (0..3).for_each(|id| right.send(Message::new(id, b"")).unwrap());
    assert_eq!(next(&port).seqno(), 0);
    task.set_seqno(port.name(), u32::MAX).unwrap();
    assert_eq!([(); 2].map(|()| next(&port).seqno()), [u32::MAX, 0]);
    assert_eq!(task.receive_status(port.name()).map(|status| status.seqno), Ok(1));
    refuses(|name| task.set_seqno(name, 1), &no_ports(&task));
}

#[test]
fn f21_status_tells_what_the_receiver_knows() {
    let (here, there) = pair();
    let task = &here.task;
    let port = task.allocate().unwrap();
    let name = port.name();
    let status = || task.receive_status(name).unwrap();
    let fresh = status();
    assert_eq!(fresh.qlimit, Options::DEFAULT_LIMIT);
    assert_eq!(fresh, task.receive_status(task.allocate().unwrap().name()).unwrap());
    assert_eq!((fresh.msgcount, fresh.sorights, fresh.srights, fresh.is_in_set), (0, 0, false, false));
    let right = port.make_send();
    assert_eq!((status().srights, status().mscount), (true, 1));
    here.send.send(Message::new(1, b"").with_right(right)).unwrap();
    assert!(status().srights, "in a message");
    let right = next(&there.receive).take_rights().pop().and_then(Right::into_send).unwrap();
    for id in 0..5 {
        right.send(Message::new(id, b"")).unwrap();
    }
    let closed = right.clone();
    closed.send(Message::new(5, b"")).unwrap();
    drop(closed); // the record that ends its lane is no message
    let once = port.make_send_once();
    assert_eq!((status().msgcount, status().sorights), (6, 1));
    once.send(Message::new(6, b"")).unwrap();
    assert_eq!((status().msgcount, status().sorights), (7, 0));
    here.send.send(Message::new(1, b"").reply_to(port.make_send_once())).unwrap();
    let reply = next(&there.receive).take_reply().unwrap();
    assert_eq!((status().msgcount, status().sorights), (7, 1));
    reply.send(Message::new(7, b"")).unwrap();
    assert_eq!((status().msgcount, status().sorights), (8, 1), "an answer that waits still has its right");
    (0..8).for_each(|_| drop(next(&port)));
    assert_eq!((status().msgcount, status().seqno, status().sorights), (0, 8, 0));
    let notify = task.allocate().unwrap();
    port.request_no_senders(0, &notify);
    let set = task.allocate_set().unwrap();
    set.insert(&port).unwrap();
    assert_eq!((status().nsrequest, status().is_in_set), (true, true));
    drop(right);
    assert_eq!(next(&notify).notification(), Some(Notification::NoSenders { mscount: 1 }));
    let last = status();
    assert_eq!((last.nsrequest, last.srights, last.msgcount, last.pdrequest), (false, false, 0, false));
    refuses(|name| task.receive_status(name).map(drop), &no_ports(task));
}

#[test]
fn f20_get_attributes_by_flavor() {
    let task = task();
    let port = task.allocate().unwrap();
    let name = port.name();
    port.set_queue_limit(17).unwrap();
    let right = port.make_send();
    right.send(Message::new(1, b"")).unwrap();
    let get = |name: RawName, number, words: usize| {
        let mut info = vec![0xffff_ffff; words];
        task.get_attributes(name, number, &mut info).map(|count| (count, info))
    };
    let at = |number, words| get(name.into(), number, words);
    assert_eq!(at(flavor::LIMITS_INFO, 1), Ok((1, vec![17])));
    assert_eq!(at(flavor::LIMITS_INFO, 2), Ok((1, vec![17, u32::MAX])), "no more than there is");
    let status = [0, 0, 1, 17, 1, 0, 1, 0, 0, 0];
    assert_eq!(at(flavor::RECEIVE_STATUS, 10), Ok((10, status.to_vec())));
    let extended: Vec<u32> = status.into_iter().chain([0; 7]).collect();
    assert_eq!(at(flavor::INFO_EXT, 17), Ok((17, extended)));
    assert_eq!(at(flavor::DNREQUESTS_SIZE, 1), Ok((1, vec![0])));
    assert_eq!(at(flavor::SERVICE_THROTTLED, 1), Err(PortError::NotService));
    assert_eq!(PortError::NotService.code(), 20);
    for (number, words) in [(1, 0), (2, 9), (3, 0), (7, 16), (9, 0)] {
        let error = get(stale(&task).into(), number, words).unwrap_err();
        assert_eq!((error, error.code()), (PortError::TooFewWords, 5), "before the name is looked at");
    }
    for number in [0, 4, 5, 6, 8, 10, u32::MAX] {
        let error = at(number, 17).unwrap_err();
        assert_eq!((error, error.code()), (PortError::UnknownFlavor, 4), "{number}");
    }
    for none in [RawName::NULL, RawName::DEAD] {
        assert_eq!(get(none, flavor::LIMITS_INFO, 1).map(|(count, _)| count), Ok(0));
        assert_eq!(get(none, flavor::DNREQUESTS_SIZE, 1), Ok((1, vec![0])));
    }
    for number in [1, 2, 3, 7, 9] {
        let both = if matches!(number, 1 | 3) { 2 } else { 0 };
        refuses(|name| get(name, number, 17).map(drop), &no_ports(&task)[both..]);
    }
}

#[test]
fn f22_set_attributes_sets_the_limit_and_takes_hints() {
    let task = task();
    let port = task.allocate().unwrap();
    let right = port.make_send();
    let set = |name: RawName, number, info: &[u32]| task.set_attributes(name, number, info);
    let name = RawName::from(port.name());
    set(name, flavor::LIMITS_INFO, &[2]).unwrap();
    assert_eq!(task.receive_status(name).map(|status| status.qlimit), Ok(2));
    let sent = [(); 3].map(|()| right.try_send(Message::new(1, b"")).is_ok());
    assert_eq!(sent, [true, true, false]);
    set(name, flavor::LIMITS_INFO, &[1]).unwrap();
    assert_eq!(task.receive_status(name).map(|status| status.msgcount), Ok(2), "nothing is discarded");
    std::thread::scope(|scope| {
        let blocked = scope.spawn(move || right.send_deadline(Message::new(4, b""), soon()).is_ok());
        set(name, flavor::LIMITS_INFO, &[1024]).unwrap();
        assert!(blocked.join().unwrap(), "a raised limit wakes who waits");
    });
    for number in [flavor::TEMPOWNER, flavor::IMPORTANCE_RECEIVER, flavor::DENAP_RECEIVER] {
        assert_eq!(set(name, number, &[]), Ok(()));
        refuses(|name| set(name, number, &[]), &no_ports(&task));
    }
    assert_eq!(task.receive_status(name).map(|status| status.flags), Ok(0), "they mean nothing");
    assert_eq!(set(name, flavor::DNREQUESTS_SIZE, &[9]), Ok(()));
    assert_eq!(set(name, flavor::SERVICE_THROTTLED, &[1]), Err(PortError::NotService));
    let nobody = RawName::from(stale(&task));
    assert_eq!(set(nobody, flavor::LIMITS_INFO, &[]), Err(PortError::TooFewWords));
    let error = set(nobody, flavor::LIMITS_INFO, &[1025]).unwrap_err();
    assert_eq!((error, error.code()), (PortError::InvalidLimit { limit: 1025, most: 1024 }, 18));
    for number in [0, 2, 7, 8, 10] {
        assert_eq!(set(name, number, &[0; 20]), Err(PortError::UnknownFlavor), "{number}");
    }
    refuses(|name| set(name, flavor::LIMITS_INFO, &[5]), &no_ports(&task));
}

#[test]
fn r6_f29_get_srights_counts_tasks_and_messages() {
    let authority = shm_mach::authority::Embedded::start().unwrap();
    let attach = || Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0;
    let [task, first, second] = [(); 3].map(|()| attach());
    let inboxes = [&first, &second].map(|task| task.allocate().unwrap());
    let ways =
        [("first", &first, &inboxes[0]), ("second", &second, &inboxes[1])].map(|(name, holder, inbox)| {
            holder.register(name, inbox).unwrap();
            task.look_up(name).unwrap()
        });
    let port = task.allocate().unwrap();
    let count = || task.get_srights(port.name()).unwrap();
    assert_eq!(count(), 0);
    let right = port.make_send();
    let more = [right.clone(), port.make_send()];
    assert_eq!(count(), 1, "one for the task, whatever it holds");
    ways[0].send(Message::new(1, b"").with_right(right)).unwrap();
    assert_eq!(count(), 2);
    drop(more);
    assert_eq!(count(), 1, "one in a message");
    let theirs = next(&inboxes[0]).take_rights().pop().and_then(Right::into_send).unwrap();
    let clone = theirs.clone();
    assert_eq!(count(), 1);
    let to_second = first.look_up("second").unwrap();
    to_second.send(Message::new(1, b"").with_right(theirs)).unwrap();
    assert_eq!(count(), 2, "a third task");
    drop(clone);
    let begin = std::time::Instant::now();
    let counts = |expected| {
        while count() != expected {
            assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{} rights", count());
            [&first, &second].iter().for_each(|task| drop(task.names()));
        }
    };
    counts(1);
    // It is passed home, and counts on its way there too.
    let home = task.allocate().unwrap();
    let way = {
        ways[1].send(Message::new(1, b"").with_right(home.make_send())).unwrap();
        let moved = next(&inboxes[1]).take_rights();
        let right = next(&inboxes[1]).take_rights().pop().and_then(Right::into_send).unwrap();
        right.send(moved.into_iter().fold(Message::new(1, b""), Message::with_right)).unwrap();
        right
    };
    counts(1);
    drop((next(&home), way));
    counts(0);
    ways[1].send(Message::new(1, b"").with_right(port.make_send())).unwrap();
    counts(1);
    drop(next(&inboxes[1]).take_rights());
    counts(0);
    refuses(|name| task.get_srights(name).map(drop), &unknown(&task));
}

#[test]
fn f33_dnrequest_info_counts_requests() {
    let task = task();
    let port = task.allocate().unwrap();
    let counts = || {
        let mut words = [9];
        assert_eq!(task.get_attributes(port.name(), flavor::DNREQUESTS_SIZE, &mut words), Ok(1));
        (task.dnrequest_info(port.name()).unwrap(), words[0])
    };
    assert_eq!(counts(), ((0, 0), 0));
    let notify = task.allocate().unwrap();
    let ask = |name: PortName, notify| task.request_notification(name, NotificationKind::DeadName, 0, notify);
    let once = port.make_send_once().into_name(&task).map_err(|(error, _)| error).unwrap();
    for name in [port.name(), once] {
        assert!(ask(name, Some(notify.make_send_once())).unwrap().is_none());
    }
    assert_eq!(counts(), ((2, 2), 2));
    assert!(ask(once, None).unwrap().is_some());
    assert_eq!(counts(), ((1, 1), 1));
    refuses(|name| task.dnrequest_info(name).map(drop), &unknown(&task));
}
