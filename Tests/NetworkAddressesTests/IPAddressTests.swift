import NetworkAddresses
import Testing
import TestSupport

/// Reading and writing addresses. What kind of place they are is in URLSafetyTests.
@Suite struct IPAddressTests {
    /// As it is read, as it is written, and its bytes.
    @Test(
        arguments: [
            ("0.0.0.0", "0.0.0.0", [0, 0, 0, 0]), ("127.0.0.1", "127.0.0.1", [127, 0, 0, 1]),
            ("255.255.255.255", "255.255.255.255", [255, 255, 255, 255]),
            ("10.20.30.40", "10.20.30.40", [10, 20, 30, 40]),
            ("::", "::", [UInt8](repeating: 0, count: 16)), ("::1", "::1", [UInt8](repeating: 0, count: 15) + [1]),
            (
                "2001:DB8:0:0:0:0:0:1", "2001:db8::1",
                [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
            ),
            ("fe80::1", "fe80::1", [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            ("fd00::a:b", "fd00::a:b", [0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0A, 0, 0x0B]),
            (
                "::ffff:7f00:1", "::ffff:127.0.0.1",
                [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1]
            ),
            (
                "::FFFF:192.168.0.1", "::ffff:192.168.0.1",
                [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 168, 0, 1]
            ),
            ("::10.0.0.1", "::10.0.0.1", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1]),
            (
                "64:ff9b::8.8.8.8", "64:ff9b::808:808",
                [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0, 8, 8, 8, 8]
            ),
            (
                "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8",
                [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]
            ),
            // The longest run of zeros is the one that is left out, and of two alike the first.
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3", [0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3]),
            ("1:0:0:2:3:0:0:4", "1::2:3:0:0:4", [0, 1, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 4]),
        ] as [(String, String, [UInt8])])
    func readsAndWrites(_ text: String, _ written: String, _ bytes: [UInt8]) throws {
        let address = try #require(IPAddress(text))
        #expect(address.bytes == bytes)
        #expect(address.isIPv6 == (bytes.count == 16))
        #expect(address.description == written)
        #expect(IPAddress(written) == address && IPAddress(bytes: bytes) == address)
    }

    @Test(arguments: [UInt64(1), 2, 3]) func anyAddressIsReadAsItWasWritten(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for count in [4, 16] {
            for _ in 0..<500 {
                // Zeros are what is left out, so there must be many of them.
                let bytes = (0..<count).map { _ in
                    Bool.random(using: &random) ? UInt8.random(in: 0...255, using: &random) : 0
                }
                let address = try #require(IPAddress(bytes: bytes))
                #expect(IPAddress(address.description) == address, "\(address)")
            }
        }
    }

    @Test func aMappedAddressIsNotTheSameAsItsIPv4() throws {
        let (plain, mapped) = (try #require(IPAddress("10.0.0.1")), try #require(IPAddress("::ffff:10.0.0.1")))
        #expect(plain != mapped && !plain.isIPv6 && mapped.isIPv6)
        #expect(mapped.bytes.suffix(4) == plain.bytes)
    }

    @Test(arguments: [
        "", " ", ".", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "1.2.3.4.", ".1.2.3.4", "1..2.3", "256.0.0.1", "-1.0.0.0",
        "01.2.3.4", "1.2.3.04", "0x7f.0.0.1", "127.1", "2130706433", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "1.2.3.4/8",
        "1.2.3.4:80", "1.2.3.4\0", "1.2.3.4\0.evil", "\u{FF11}.2.3.4", "١.2.3.4", "localhost", "[::1]", "::1%lo",
        "::1%1",
        "fe80::1%eth0", "::1/64", "::1\0", "::1\0::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::",
        "g::1", "::ffff:1.2.3", "::ffff:1.2.3.256", "::1.2.3.4.5", "1.2.3.4::", ":1", "1:", "::-1", "::1 ",
    ])
    func refuses(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func refusesHoweverLongATextIs() {
        for text in ["1.", "1:", "::", "0", "f", "1.2.3.4", "\0"] {
            #expect(IPAddress(String(repeating: text, count: 100_000)) == nil)
            #expect(IPAddress(anySpellingOfIPv4: String(repeating: text, count: 100_000)) == nil || text == "0")
        }
    }

    @Test(
        arguments: [
            ("127.1", [127, 0, 0, 1]), ("127.0.1", [127, 0, 0, 1]), ("2130706433", [127, 0, 0, 1]),
            ("0x7f000001", [127, 0, 0, 1]), ("0X7F.1", [127, 0, 0, 1]), ("017700000001", [127, 0, 0, 1]),
            ("0177.0.0.01", [127, 0, 0, 1]), ("0", [0, 0, 0, 0]), ("4294967295", [255, 255, 255, 255]),
            ("1.65535", [1, 0, 255, 255]), ("1.2.65535", [1, 2, 255, 255]), ("10.0.0.1", [10, 0, 0, 1]),
        ] as [(String, [UInt8])])
    func readsAnySpellingOfIPv4(_ text: String, _ bytes: [UInt8]) {
        #expect(IPAddress(anySpellingOfIPv4: text)?.bytes == bytes)
    }

    @Test(arguments: [
        "", "4294967296", "256.0.0.1", "1.16777216", "1.2.65536", "1.2.3.256", "1.2.3.4.5", "0x", "0xg", "08", "-1",
        "1.",
        "127.0.0.1 evil", "127.0.0.1\tevil", "127.0.0.1\n", " 127.0.0.1", "127.0.0.1\0", "127.1\0.evil", "::1", "a.b",
        "１２７.1",
    ])
    func refusesWhatIsNoSpellingOfIPv4(_ text: String) {
        #expect(IPAddress(anySpellingOfIPv4: text) == nil)
    }

    @Test(arguments: [0, 1, 3, 5, 8, 15, 17, 32]) func refusesAnyOtherNumberOfBytes(_ count: Int) {
        #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }
}
