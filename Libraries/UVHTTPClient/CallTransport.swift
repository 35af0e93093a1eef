/// What carries a call at the moment: one of our connections, or one of libcurl's transfers. Loop thread only.
protocol CallTransport: AnyObject {
    /// The call is over before the exchange is: close the connection. Tell the call nothing more.
    func abort()

    /// Stops or resumes reading the response.
    func setReading(_ reading: Bool)

    /// The call's next deadline has changed.
    func rearm()
}
