use super::*;

#[test]
fn what_is_encoded_is_decoded() {
    let port = PortRef { port: 1, epoch: 2, key: u64::MAX - 3, limit: 4 };
    let name = "a.service".to_owned();
    let token = OnceRef::Token(Token { slot: u16::MAX, generation: u32::MAX });
    for request in [
        Request::Hello { version: PROTOCOL, features: 1 },
        Request::Echo { nonce: 7 },
        Request::Register { name: name.clone(), port },
        Request::LookUp { name, wait: true },
        Request::Connect { task: 9 },
        Request::Accept { task: u64::MAX },
        Request::Grant { receiver: 1, port, to: 2 },
        Request::Release { receiver: 1, port, count: 3, by: 4 },
        Request::Child { port },
        Request::Unregister { key: 1 },
        Request::Settle { issuer: 1, port, to: 2 },
        Request::Settled { receiver: 1, port, issuer: 2, held: 3 },
        Request::Revoked { serial: 5 },
        Request::Confirm,
        Request::GrantOnce { receiver: 1, right: token, number: 2, to: 3, instead_of: 4 },
        Request::GrantOnce { receiver: 1, right: OnceRef::Number(9), number: 2, to: 3, instead_of: 0 },
        Request::ReleaseOnce { receiver: 1, number: 2 },
        Request::SettleOnce { issuer: 1, number: 2, to: 3 },
        Request::Lend { task: 6, region: NonZeroU32::MIN },
        Request::Adopted { task: 7 },
        Request::List { after: 6 },
        Request::StopWaiting { look_up: 8 },
        Request::Offer {
            task: 1,
            key: 2,
            limit: 3,
            keeps: true,
            to: Addressee::Port { port: u32::MAX, key: 5 },
        },
        Request::Offer { task: 1, key: 2, limit: 3, keeps: false, to: Addressee::Once(token) },
        Request::Withdraw { task: 1, key: u64::MAX },
        Request::Arrived { task: 1 },
    ] {
        let bytes = request.encode(77);
        assert!(bytes.len() <= DATAGRAM_MAX);
        assert_eq!(Request::decode(&bytes), Some((77, request)));
        assert_eq!(Request::decode(&bytes[..bytes.len() - 1]), None, "cut short");
        assert_eq!(Request::decode(&[&bytes[..], b"x"].concat()), None, "too long");
    }
}

#[test]
fn a_name_is_neither_empty_nor_too_long() {
    for length in [0, 128, 255] {
        let request = Request::LookUp { name: "n".repeat(length), wait: false };
        assert_eq!(Request::decode(&request.encode(1)), None);
    }
}
