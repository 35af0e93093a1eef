import Concurrency
import Testing

@testable import AMQP

@Suite("Broker URLs")
struct BrokerAddressTests {
    @Test("parts and their defaults")
    func parts() throws {
        let plain = try BrokerAddress(url: "amqp://broker")
        #expect(plain.host == "broker" && plain.port == 5672 && plain.virtualHost == "/" && !plain.usesTLS)
        #expect(plain.user == "guest" && plain.password == "guest")
        let full = try BrokerAddress(url: "amqps://me:p%40ss@[::1]:1234/a%2Fb")
        #expect(full.host == "::1" && full.port == 1234 && full.virtualHost == "a/b" && full.usesTLS)
        #expect(full.user == "me" && full.password == "p@ss")
    }

    @Test("several URLs", arguments: ["amqp://a,amqp://b/", " amqp://a , amqp://b"])
    func list(_ urls: String) throws {
        #expect(try BrokerAddress.list(urls).map(\.host) == ["a", "b"])
    }

    @Test(
        "what is refused, without repeating the password",
        arguments: [
            "", "http://user:secret@x", "amqp://user:secret@x/a/b", "amqp://user:secret@x:99999/",
            "amqp://u:secret@x/%00",
        ])
    func refused(_ url: String) {
        #expect {
            try BrokerAddress.list(url)
        } throws: { error in
            (error as? AMQPError)?.code == .invalid && !"\(error)".contains("secret")
        }
    }

    @Test("delays double, are capped, and have jitter")
    func backoff() {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(1), jitter: 0.5)
        for limit in [100, 200, 400, 800, 1000, 1000] {
            let delay = backoff.next().milliseconds
            #expect(delay >= limit / 2 && delay <= limit)
        }
    }
}
