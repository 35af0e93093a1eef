import Crypto
import Foundation
import HTTPCore
import Testing

@testable import Notifier

@Suite("Signatures for a bucket")
struct BucketSignatureTests {
    /// Computed with botocore 1.44 (`S3SigV4Auth`) for the same request.
    @Test("are those of another implementation")
    func known() throws {
        let signature = BucketSignature(
            accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", region: "eu-central-1")
        let fields = signature.fields(
            .get, host: "store.example:9000", path: "/bucket/chat-files/a/b-c.txt", payload: BucketSignature.noPayload,
            at: Date(timeIntervalSince1970: 1_767_225_599))
        #expect(fields["x-amz-date"] == "20251231T235959Z")
        #expect(fields["x-amz-content-sha256"] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            fields["authorization"] == """
                AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20251231/eu-central-1/s3/aws4_request,\
                SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=2f64c491e921f22097470684f751abaf359208e47277df57e8f892e026d8b025
                """)
    }

    @Test("use the digest of what came in pieces, and RFC 4231's code")
    func digests() {
        var digest = SHA256Digest()
        for byte in "abc".utf8 { digest.update([byte]) }
        #expect(digest.finish() == sha256("abc"))
        #expect(SHA256Digest().finish() == sha256(""))
        #expect(
            hex(hmacSHA256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8)))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            hex(
                hmacSHA256(
                    key: [UInt8](repeating: 0xaa, count: 131),
                    Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)))
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }
}
