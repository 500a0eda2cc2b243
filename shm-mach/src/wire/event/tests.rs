use super::*;

#[test]
fn what_is_encoded_is_decoded() {
    let port = PortRef { port: 1, epoch: 2, key: 3, limit: 4 };
    let who = Attested { pid: 5, uid: 6, gid: 7, started: 8 };
    let found = Found { receiver: 9, port };
    let mut all = vec![
        Event::Challenge { nonce: 1 },
        Event::Welcome { task: 2, own: who, special: None },
        Event::Welcome { task: 2, own: who, special: Some(found) },
        Event::Introduced { task: 3, who, features: 1 },
        Event::Accepted { task: 4 },
        Event::Granted { port, by: 0, to: 5, who, moved: true },
        Event::Released { task: 0, port, count: 1, by: 6 },
        Event::Died { task: 6 },
        Event::Appeared { serial: 7, found },
        Event::Settle { issuer: 1, receiver: 2, port },
        Event::Settled { task: 1, port, issuer: 2, held: 3 },
        Event::Revoke { serial: 1, task: 2, port: None },
        Event::Revoke { serial: 1, task: 2, port: Some(port) },
        Event::GrantedOnce { by: 1, right: OnceRef::Number(2), to: 3, who, number: 4 },
        Event::ReleasedOnce { task: 1, number: 2 },
        Event::SettleOnce { issuer: 1, receiver: 2, number: 3 },
        Event::Lent { task: 3, region: NonZeroU32::MIN },
        Event::Offered { task: 1, key: 2, limit: 3, keeps: true, to: Addressee::Once(OnceRef::Number(4)) },
        Event::Offered { task: 1, key: 2, limit: 3, keeps: false, to: Addressee::Port { port: 4, key: 5 } },
        Event::Withdrawn { task: 1, key: 2 },
    ];
    let answers = [
        Answer::Done,
        Answer::Peer { who, features: 0 },
        Answer::Found(found),
        Answer::Waiting,
        Answer::Listed { task: 10, who },
    ];
    let refused = Refusal::ALL.map(Answer::Refused);
    all.extend(answers.iter().chain(&refused).map(|answer| Event::Reply { serial: 1, answer: *answer }));
    for event in all {
        let bytes = event.encode();
        assert_eq!(Event::decode(&bytes), Some(event));
        assert_eq!(Event::decode(&bytes[..bytes.len() - 1]), None, "cut short");
        assert_eq!(Event::decode(&[&bytes[..], b"x"].concat()), None, "too long");
    }
}
