import Crypto
import Testing

@Suite struct CryptoTests {
    /// FIPS 180-2, appendix B, and the empty message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func hashes(_ text: String, _ digest: String) {
        #expect(hex(sha256(text)) == digest)
        #expect(sha256(text) == sha256(Array(text.utf8)))
    }

    /// RFC 4648, section 10, in the URL-safe alphabet and without padding.
    @Test(
        arguments: [
            ([], ""), ([0x66], "Zg"), ([0x66, 0x6F], "Zm8"), ([0x66, 0x6F, 0x6F], "Zm9v"),
            ([0x66, 0x6F, 0x6F, 0x62], "Zm9vYg"),
            ([0xFB, 0xFF, 0xBF], "-_-_"), ([0xFF], "_w"),
        ] as [([UInt8], String)])
    func codesBase64URL(_ bytes: [UInt8], _ text: String) {
        #expect(base64URLEncode(bytes) == text)
        #expect(base64URLDecode(text) == bytes)
    }

    @Test(arguments: ["Z", "Zg==", "Zh", "Zm9", "a+b/", "Zm 9", "Zm9vY", "é", "Zg\n"])
    func refusesWhatIsNoBase64URL(_ text: String) {
        #expect(base64URLDecode(text) == nil)
    }

    @Test func roundTripsAnyLength() {
        for length in 0..<70 {
            let bytes = randomBytes(length)
            #expect(bytes.count == length)
            #expect(base64URLDecode(base64URLEncode(bytes)) == bytes)
        }
    }

    @Test func makesTokens() {
        let tokens = Set((0..<100).map { _ in makeToken() })
        #expect(tokens.count == 100)
        #expect(tokens.allSatisfy { $0.count == 43 && base64URLDecode($0)?.count == 32 })
    }

    @Test func comparesSecrets() {
        #expect(constantTimeEquals([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEquals([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEquals([1, 2, 3], [1, 2]))
        #expect(constantTimeEquals([], []))
    }
}
