/// Spellings of addresses by what stands at the end of them, separated by blanks. The numbers are both ends of every
/// network and their neighbours outside, each also in another spelling.
enum Spellings {
    /// A host of the internet.
    static let publicHosts = """
        http://8.8.8.8 http://134744072 http://0x08080808 http://010.010.010.010 http://8.8.2056 http://8.526344
        https://8.8.8.8:8443 HTTP://8.8.8.8 http://93.184.216.34 http://0x5DB8D822/ http://1.1.1.1.?q
        http://1.1.1.1:80#f http://001.001.001.001 http://8.8.8.8#@127.0.0.1@ http://1.2.3.
        http://[2606:4700:4700::1111] http://[2606:4700:4700:0:0:0:0:1111] http://[2606:4700:4700::1111]:8080/a?b
        http://[2001:DB7:ffff:ffff::1] http://[2001:db9::] http://[::ffff:8.8.8.8] http://[::FFFF:808:808]
        http://[0:0:0:0:0:ffff:0808:0808] http://[64:ff9b::8.8.8.8] http://[64:ff9b::808:808] http://[2002:808:808::]
        http://[2002:0808:0808::1] http://[2001:0:a00:1::f7f7:f7f7] http://[::8.8.8.8] http://[::ffff:0:8.8.8.8]
        http://[3fff:1000::] http://[3ffe::1] http://[2000::] http://[2606:4700::5efe:808:808]
        http://[2606:4700:0:0:200:5efe:8.8.8.8] http://2851995647 http://169.253.255.255 http://0251.0377.00.00
        http://169.255.0.0 http://1.0.0 http://1.0.0.0 http://192.0.1.255 http://0XC0.0.01.255
        http://0300.0000.0003.0000 http://192.0.3.0 http://198.51.99.255 http://030614662400 http://198.51.101.0
        http://203.0.112.255 http://0313.00.0160.0377 http://203.0.29184 http://203.0.114.0 http://100.63.255.255
        http://0X64.63.0377.255 http://100.128.0.0 http://0144.0200.0000.0000 http://223.255.255.255
        http://191.255.65535 http://191.255.255.255 http://192.0.1.0 http://0xC0000100 http://0250.0077.0201.0017
        http://168.63.129.15 http://0xa83f8111 http://168.63.129.17 http://9.255.255.255 http://01177777777
        http://11.0 http://11.0.0.0 http://172.15.65535 http://172.15.255.255 http://0xAC200000 http://172.32.0.0
        http://0300.0247.0377.0377 http://192.167.255.255 http://0xc0a90000 http://192.169.0.0 http://030604377777
        http://198.17.255.255 http://198.20.0.0 http://198.1310720 http://126.255.65535 http://126.255.255.255
        http://0x80000000 http://128.0.0.0
        """

    /// This machine.
    static let loopback = """
        http://127.0.0.1 http://127.0.0.1. http://127.0.0.1:8000 https://127.0.0.1 hTTpS://127.0.0.1:443/x
        http://127.1 http://127.0.1 http://127.1. http://2130706433 http://2130706433. http://0x7f000001
        http://0X7F000001 http://0x7F.1 http://0x7f.0.1 http://017700000001 http://0177.1 http://0177.0.0.1
        http://0177.0.0.01 http://00000177.0.0.1 http://0x000000000007f.0.0.1 http://127.0.0.0x1 http://127.0x0.00.1
        http://127.255.255.254 http://127.16777215 http://127.0.0.1?@8.8.8.8 http://127.0.0.1/@8.8.8.8
        http://127.0.0.1#@8.8.8.8 http://127.0.0.1/%2e%2e http://[::1] http://[::1]:8000 https://[::1]
        http://[0:0:0:0:0:0:0:1] http://[0000:0000:0000:0000:0000:0000:0000:0001] http://[::0001] http://[0::1]
        http://[0::0:1] http://[::0.0.0.1] http://[::127.0.0.1] http://[::7f00:1] http://[::ffff:127.0.0.1]
        http://[::FFFF:127.0.0.1]:80 http://[::ffff:7f00:1] http://[::ffff:7fff:ffff]
        http://[0:0:0:0:0:ffff:127.0.0.1] http://[0:0:0:0:0:ffff:7f00:0001] http://[::ffff:0:127.0.0.1]
        http://[64:ff9b::127.0.0.1] http://[64:ff9b::7f00:1] http://[64:FF9B:0:0:0:0:7F00:1] http://[2002:7f00:1::]
        http://[2002:7F00:0001::1] http://[2001:0:a00:1::80ff:fffe] http://[2606:4700::5efe:7f00:1]
        http://[2606:4700:0:0:200:5efe:127.0.0.1] http://0X7F.0.00.0 http://127.0.0.0 http://127.255.255.255
        http://127.255.255.255.
        """

    /// Private networks.
    static let privateHosts = """
        http://10.0.0.1 http://10.1 http://167772161 http://0xa000001 http://012.1 http://0xA.0.0.1:8080
        http://10.0.0.1. http://10.1.2.3:65535/a http://172.16.0.1 http://172.1048577 http://2886729729
        http://0254.020.0.1 http://192.168.1.1 http://192.168.257 http://192.11010305 http://3232235777
        http://0xc0a80101 http://0300.0250.1.1 http://0XC0.168.01.0x1 http://[::ffff:10.0.0.1] http://[::ffff:a00:1]
        http://[::ffff:192.168.1.1] http://[::FFFF:C0A8:101] http://[::ffff:172.31.255.255] http://[::10.0.0.1]
        http://[64:ff9b::10.0.0.1] http://[64:ff9b::192.168.1.1] http://[64:ff9b::ac10:1] http://[2002:a00:1::]
        http://[2002:c0a8:101::1] http://[2002:ac1f:ffff::] http://[2001:0:a00:1::f5ff:fffe] http://[64:ff9b:1::]
        http://[64:ff9b:1::8.8.8.8] http://[64:ff9b:1:ffff:ffff:ffff:ffff:ffff] http://[2606:4700::5efe:a00:1]
        http://[fd00::] http://[fd00::1]:8000 http://[FD12:3456:789a::1]
        http://[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff] http://[fd00:ec2::253] http://[fd00:0ec2::0255]
        http://012.00.00.00 http://10.0.0.0 http://0xa.0xff.0xff.0xff http://10.255.255.255 http://0XAC.16.00.0
        http://172.16.0.0 http://172.31.255.255. http://172.31.255.255 http://192.168.0.0 http://192.168.255.255
        http://3232301055 http://0306.022.00.00 http://198.18.0.0 http://198.19.255.255 http://0xc6.0x13.0xff.0xff
        """

    /// Nobody's, or nobody that an agent could be.
    static let forbidden = """
        http://169.254.169.254 http://169.254.169.254. http://169.254.169.254:80/latest/meta-data/
        http://169.254.43518 http://169.16689662 http://2852039166 http://0xa9fea9fe http://0xA9FEA9FE.
        http://025177524776 http://0251.0376.0251.0376 http://0xa9.0xfe.0xa9.0xfe http://0xA9.254.0251.0xFE
        http://00000251.254.169.254 http://0 http://0. http://00 http://0x0 http://0x00000000 http://0.0 http://0.0.0
        http://0.1 http://0x0.0 http://0:8000 http://4294967295 http://0xffffffff http://037777777777
        http://100.100.100.200 http://0x646464c8 http://192.0.0.192 http://224.0.0.1 http://224.1
        http://239.255.255.250:1900 http://255.255.255.255:9 http://[::] http://[0:0:0:0:0:0:0:0] http://[0::]
        http://[::0.0.0.0] http://[::]:8000 http://[::ffff:0.0.0.0] http://[::ffff:0:0]
        http://[::ffff:169.254.169.254] http://[::FFFF:A9FE:A9FE] http://[::ffff:100.64.0.1] http://[::ffff:224.0.0.1]
        http://[::ffff:255.255.255.255] http://[::ffff:192.0.2.1] http://[::169.254.169.254]
        http://[::ffff:0:169.254.169.254] http://[64:ff9b::169.254.169.254] http://[64:ff9b::a9fe:a9fe]
        http://[64:ff9b::] http://[64:ff9b::cb00:7101] http://[64:ff9b::100.127.255.255] http://[64:ff9a::8.8.8.8]
        http://[64:ff9b::1:808:808] http://[64:ff9b:2::8.8.8.8] http://[2002:a9fe:a9fe::] http://[2002:A9FE:A9FE::1]
        http://[2002::] http://[2002:e000:1::] http://[2002:6440:1::] http://[2002:c000:201::]
        http://[2002:cb00:71ff::] http://[2001:0:a00:1::5601:5601] http://[2606:4700::5efe:a9fe:a9fe] http://[::2]
        http://[::1:0:0:1] http://[1::] http://[100::1] http://[fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]
        http://[fc00::] http://[fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff] http://[fc00::1]:80 http://[FC12::3]
        http://[fe00::] http://[fe7f:ffff::] http://[fe80::] http://[fe80::1] http://[FE80::A9FE:A9FE]
        http://[febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff] http://[fec0::] http://[feff::1] http://[ff00::]
        http://[ff02::1] http://[ff05::1:3] http://[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff] http://[2001:db8::]
        http://[2001:db8::1] http://[2001:DB8:FFFF::] http://[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]
        http://[2001:0db8:0000:0000:0000:0000:0000:0001] http://[3fff::]
        http://[3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff] http://[fd00:ec2::254] http://[fd00:0ec2:0:0:0:0:0:254]
        http://[fd20:ce::254] http://[4000::] http://[1fff:ffff::1] http://[5f00::1] http://169.254.0.0
        http://0xa9fe0000 http://025177577777 http://169.254.255.255 http://0.0.0.0 http://0x0.0x0.0x0.0x0
        http://0.16777215 http://0.255.255.255 http://192.0.2.0. http://192.0.2.0 http://192.0.2.255 http://0xC00002FF
        http://3325256704 http://198.51.100.0 http://198.51.100.255 http://0xc63364ff http://203.0.113.0
        http://0xcb.0x0.0x71.0x0 http://203.29183 http://203.0.113.255 http://100.64.0.0. http://100.64.0.0
        http://100.127.255.255 http://0x647FFFFF http://3758096384 http://224.0.0.0 http://239.255.255.255
        http://0xefffffff http://240.0.0.0 http://036000000000 http://0357.0377.0377.0377 http://0xf0.0x0.0x0.0x0
        http://255.255.255.255 http://255.16777215 http://0XC0.0.00.0 http://192.0.0.0 http://192.0.0.255
        http://192.0.0.255. http://168.63.129.16 http://2822734096
        """

    /// The name of this machine.
    static let localhost = """
        http://localhost http://localhost:8000 http://LOCALHOST http://LocalHost:8000/a?b http://localhost.
        https://localhost:8443 http://localhost/@8.8.8.8
        """

    /// Names that must be looked up: the verdict is on what they resolve to.
    static let name = """
        http://agent.example http://AGENT.example:8000 http://agent.example. https://agent.example/a
        http://foo.localhost http://localhost.localdomain http://localhost.example http://localhost6
        http://ip6-localhost http://127.0.0.1.nip.io http://127-0-0-1.example http://0x7f000001.example
        http://10.0.0.1.example http://169.254.169.254.example http://metadata.google.internal
        http://host.docker.internal:8000 http://kubernetes.default.svc http://xn--bcher-kva.example http://1e3
        http://0b1 http://0o177 http://1_000 http://127.0.0.1a http://a127.0.0.1a http://_agent._tcp.example
        http://dead.beef http://0xg http://7f000001 http://a9fea9fe
        """

    /// No address that we would call, whatever the mode.
    static let refused = """
        http://user@8.8.8.8 http://user:pass@8.8.8.8 http://@8.8.8.8 http://:@8.8.8.8 http://8.8.8.8@127.0.0.1
        http://8.8.8.8:80@127.0.0.1 http://8.8.8.8%40127.0.0.1 http://localhost@8.8.8.8 http://127.0.0.1%00.example
        http://127.0.0.1%2f.example http://%31%32%37.0.0.1 http://127%2e0%2e0%2e1 http://%6c%6f%63alhost
        http://localhost%2e http://[%3a%3a1] http://%5b::1%5d http://[::1%25lo] http://[::1%lo]
        http://[fe80::1%25eth0] http://[fe80::1%1] http://[fe80::1%] http://[::1 http://::1 http://::1] http://[[::1]]
        http://[::1]] http://[::1].example http://[::1]8000 http://[::1]:80:80 http://[] http://[ http://[:]
        http://[1.2.3.4] http://[localhost] http://[::127.1] http://[::ffff:127.1] http://[::ffff:0x7f.0.0.1]
        http://[::ffff:0177.0.0.1] http://[::ffff:127.0.0.1.] http://[::ffff:127.0.0.256] http://[127.0.0.1::]
        http://[1:2:3:4:5:6:7:127.0.0.1] http://[::00001] http://[::g] http://[::1::] http://[:::1]
        http://[1:2:3:4:5:6:7:8:9] http://[1:2:3:4:5:6:7] http://[::-1] http://[::+1] http://[::0x1]
        http://[v1.fe80::a+en1] http://256.256.256.256 http://127.0.0.256 http://127.0.65536 http://127.16777216
        http://4294967296 http://0x100000000 http://040000000000 http://1.2.3.4.5 http://0.0.0.0.0 http://08
        http://09.0.0.1 http://0178.0.0.1 http://127.0.0.08 http://0x http://0x. http://127.0.0.0x http://0x7g.1.0x
        http://127..1 http://.127.0.0.1 http://127.0.0.1.. http://a.1 http://a.0x7f http://agent.example.0177
        http://18446744073709551617 http://2130706433.0 http://0xffffffffffffffff7f000001
        http://127.0.0.0x10000000000000001 http://-1 http://+127.0.0.1 http://127.0.0.-1 http://127.0.0.1:0
        http://127.0.0.1: http://127.0.0.1:65536 http://127.0.0.1:080000 http://127.0.0.1:-80 http://127.0.0.1:+80
        http://127.0.0.1:8_0 http://127.0.0.1:0x50 http://127.0.0.1:80a http://127.0.0.1:80:81 http:127.0.0.1
        http:/127.0.0.1 http:///127.0.0.1 http:////127.0.0.1 //127.0.0.1 127.0.0.1 localhost:8000 ftp://127.0.0.1
        file:///etc/passwd gopher://127.0.0.1:6379/_x dict://127.0.0.1 ws://127.0.0.1 data:,x javascript:alert(1)
        unix:///run/docker.sock http+unix://%2Frun%2Fdocker.sock https: http:// http://. http://.. http://? http://#
        http:\\\\127.0.0.1 http://127.0.0.1\\@8.8.8.8 http://8.8.8.8\\.127.0.0.1 http://-agent.example
        http://agent-.example http://agent..example http://a*b.example http://a,b.example http://a;b.example
        http://$(x).example http://a'b.example
        """
}
