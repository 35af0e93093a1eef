import Crypto
import Foundation
import HTTPCore

/// Signs requests to an S3-compatible store: AWS Signature Version 4.
struct BucketSignature: Sendable {
    let accessKey: String
    let secretKey: String
    let region: String

    /// SHA-256 of an empty payload.
    static let noPayload = hex(sha256(""))

    /// The header fields that sign a request.
    ///
    /// - Parameters:
    ///   - path: with unreserved characters and slashes only, without a query.
    ///   - payload: its SHA-256 in hexadecimal.
    func fields(
        _ method: HTTPMethod, host: String, path: String, payload: String, at date: Date
    ) -> HTTPHeaders {
        let time = Self.time(date)
        let day = String(time.prefix(8))
        let signed = "host;x-amz-content-sha256;x-amz-date"
        let request = """
            \(method.rawValue)
            \(path)

            host:\(host)
            x-amz-content-sha256:\(payload)
            x-amz-date:\(time)

            \(signed)
            \(payload)
            """
        let scope = "\(day)/\(region)/s3/aws4_request"
        let text = "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n\(hex(sha256(request)))"
        let key = [day, region, "s3", "aws4_request"].reduce(Array("AWS4\(secretKey)".utf8)) { key, text in
            hmacSHA256(key: key, Array(text.utf8))
        }
        let signature = hex(hmacSHA256(key: key, Array(text.utf8)))
        return [
            "x-amz-content-sha256": payload, "x-amz-date": time,
            "Authorization":
                "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope),SignedHeaders=\(signed),Signature=\(signature)",
        ]
    }

    /// `20260131T235959Z`
    private static func time(_ date: Date) -> String {
        date.formatted(
            Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted, timeZone: .gmt))
    }
}
