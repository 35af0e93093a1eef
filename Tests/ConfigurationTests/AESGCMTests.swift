import Crypto
import Testing

@Suite struct AESGCMTests {
    private let cipher = AESGCM(key: Array(0..<32))

    @Test(arguments: [0, 1, 15, 16, 17, 1000, 65_536])
    func opensWhatItSealed(_ length: Int) throws {
        let cipher = try #require(cipher)
        let plaintext = randomBytes(length)
        let sealed = cipher.seal(plaintext, context: [1, 2])
        #expect(sealed.count == length + 28)
        #expect(cipher.open(sealed, context: [1, 2]) == plaintext)
        #expect(cipher.seal(plaintext, context: [1, 2]) != sealed)
    }

    /// Test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega), 256-bit key with additional data.
    @Test func opensAPublishedExample() throws {
        let key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
        let sealed = bytes(
            "cafebabefacedbaddecaf888"
                + "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" + "76fc6ece0f4e1768cddf8853bb2d551b")
        let plaintext = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
        let context = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")
        #expect(try #require(AESGCM(key: key)).open(sealed, context: context) == plaintext)
    }

    @Test func refusesWhateverWasChanged() throws {
        let cipher = try #require(cipher)
        let sealed = cipher.seal(Array("a secret".utf8), context: [7])
        for place in sealed.indices {
            var changed = sealed
            changed[place] ^= 1
            #expect(cipher.open(changed, context: [7]) == nil)
        }
        #expect(cipher.open(Array(sealed.dropLast()), context: [7]) == nil)
        #expect(cipher.open(sealed, context: [8]) == nil)
        #expect(cipher.open(sealed) == nil)
        #expect(AESGCM(key: randomBytes(32))?.open(sealed, context: [7]) == nil)
        #expect(cipher.open([]) == nil && cipher.open(randomBytes(27)) == nil)
    }

    @Test(arguments: [0, 16, 31, 33]) func takesOnlyWholeKeys(_ length: Int) {
        #expect(AESGCM(key: randomBytes(length)) == nil)
    }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }
}
