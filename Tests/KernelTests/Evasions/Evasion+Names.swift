extension Evasion {
    /// Names that are long, deep or strange.
    static let names = [
        Evasion(
            "deep path", "a file 40 directories down",
            "d=secret/w$(printf '/d%.0s' $(seq 40)); mkdir -p $d; echo x >$d/key; exec $attack read $PWD/$d/key",
            "file.read", "no-secrets"),
        Evasion(
            "long path", "a path of 4,000 bytes",
            """
            d=$(printf 'd%.0s' $(seq 248)); p=secret/w; for i in $(seq 15); do p=$p/$d; done
            mkdir -p $p; echo x >$p/$d; exec $attack read $PWD/$p/$d
            """, "file.read", "no-secrets"),
        Evasion(
            "longer than PATH_MAX", "a path that no call takes whole",
            "exec $free with-deep-directory $PWD/secret/w $(printf 'd%.0s' $(seq 250)) 20 $attack read key",
            "file.read", "unresolved"),
        Evasion(
            "PATH_MAX within a name", "a path that its last name makes longer than PATH_MAX",
            """
            n=$(printf 'n%.0s' $(seq 250)); exec $free with-deep-directory $PWD/secret/w \
                $(printf 'd%.0s' $(seq 250)) 16 /bin/sh -c "mv key $n; exec $attack read $n"
            """, "file.read", "unresolved"),
        Evasion(
            "long name", "a name of 255 bytes",
            "n=$(printf 'n%.0s' $(seq 255)); echo x >secret/w/$n; exec $attack read $PWD/secret/w/$n",
            "file.read", "no-secrets"),
        Evasion(
            "newline in a name", "a name with a newline",
            #"n=$(printf 'a\nb'); echo x >"secret/w/$n"; exec $attack read "$PWD/secret/w/$n""#,
            "file.read", "no-secrets"),
        Evasion(
            "bytes in a name", "a name that is not UTF-8",
            #"n=$(printf '\377\200\001'); echo x >"secret/w/$n"; exec $attack read "$PWD/secret/w/$n""#,
            "file.read", "no-secrets"),
        Evasion(
            "dots", "a way up and down again",
            "exec $attack read $PWD/granted/../secret/./w//victim", "file.read", "no-secrets"),
    ]

    /// Other names for what is denied, given by the process itself or by others.
    static let otherNames = [
        Evasion(
            "hard link from before", "a granted name of a denied file, made before the policy was loaded",
            "exec $attack read $PWD/granted/early", "file.read", "no-key"),
        Evasion(
            "hard link from after", "a granted name of a denied file, made by somebody else",
            "ln secret/key granted/w/late; exec $attack read $PWD/granted/w/late", "file.read", "no-key"),
        Evasion(
            "hard link", "a granted name for a denied file",
            "exec $attack link $PWD/secret/w/victim $PWD/granted/w/link", "file.link", "no-secrets"),
        Evasion(
            "hard link that gains", "a writable name for what may be read",
            "exec $attack link $PWD/readable/w/file $PWD/granted/w/link", "file.write", "no-gain",
            .otherDevice),
        Evasion(
            "rename that gains", "moving what may be read to where it may be written",
            "exec $attack rename $PWD/readable/w/file $PWD/granted/w/file", "file.write", "no-gain",
            .otherDevice),
        Evasion(
            "rename over", "another file in a denied file's place",
            "echo x >granted/w/x; exec $attack rename $PWD/granted/w/x $PWD/secret/w/victim",
            "file.create", "no-secrets"),
        Evasion(
            "rename away", "a denied file to a granted name",
            "exec $attack rename $PWD/secret/w/victim $PWD/granted/w/x", "file.remove", "no-secrets"),
        Evasion(
            "rename of a parent", "a denied file by its directory's other name",
            "mkdir -p granted/w/parent/child; exec $attack rename $PWD/granted/w/parent $PWD/granted/w/other",
            "file.device", "no-gain", .otherDevice),
        Evasion(
            "rename of a granted directory", "what may be read beneath, to where it may be written",
            "mkdir readable/w/d; exec $attack rename $PWD/readable/w/d $PWD/granted/w/d",
            "file.write", "no-gain", .otherDevice),
        Evasion(
            "exchange", "a file that may be read with one that may be written",
            "echo x >granted/w/x; exec $attack exchange $PWD/readable/w/file $PWD/granted/w/x",
            "file.write", "no-gain", .otherDevice),
        Evasion(
            "exchange of a denied file", "a denied file with a granted one",
            "echo x >granted/w/x; exec $attack exchange $PWD/granted/w/x $PWD/secret/w/victim",
            "file.create", "no-secrets"),
        Evasion(
            "symbolic link", "a granted link to a denied file",
            "ln -s ../../secret/w/victim granted/w/link; exec $attack read $PWD/granted/w/link",
            "file.read", "no-secrets"),
        Evasion(
            "link and read of a directory", "a granted link to a denied directory",
            "ln -s ../../secret granted/w/link; exec $attack list $PWD/granted/w/link", "file.read",
            "no-secrets"),
        Evasion(
            "bind mount of a denied directory", "a denied directory in a granted one",
            "mkdir granted/w/m; mount --bind secret granted/w/m; exec $attack read $PWD/granted/w/m/w/victim",
            "file.read", "no-secrets"),
        Evasion(
            "bind mount of a denied file", "a denied file on a granted one",
            "touch granted/w/m; mount --bind secret/key granted/w/m; exec $attack read $PWD/granted/w/m",
            "file.read", "no-key"),
        Evasion(
            "bind mount elsewhere", "a granted directory by a name that is not",
            "mount --bind granted elsewhere; touch granted/w/x; exec $attack write $PWD/elsewhere/w/x",
            "file.write", "files.default"),
        Evasion(
            "bind mount of a file elsewhere",
            "a granted file by a name that is not, after its directory was used",
            """
            touch granted/w/x elsewhere/x; mount --bind granted/w/x elsewhere/x
            exec $attack append $PWD/elsewhere/x
            """, "file.write", "files.default"),
        Evasion(
            "overlay", "a denied directory by an overlay",
            """
            mkdir -p elsewhere/u elsewhere/k elsewhere/m
            mount -t overlay -o lowerdir=secret,upperdir=elsewhere/u,workdir=elsewhere/k none elsewhere/m
            exec $attack read $PWD/elsewhere/m/w/victim
            """, "file.read", "files.default"),
        Evasion(
            "overlay on a denied directory", "a denied name that an overlay serves from a granted directory",
            """
            echo x >granted/w/victim; mkdir -p elsewhere/u elsewhere/k
            mount -t overlay -o lowerdir=granted/w,upperdir=elsewhere/u,workdir=elsewhere/k none secret/w
            exec $attack write $PWD/secret/w/victim
            """, "file.write", "no-secrets"),
        Evasion(
            "nameless file into a denied directory", "a file made without a name, given a denied one",
            "exec $attack tmpfile-link $PWD/granted/w $PWD/secret/w/new", "file.create", "no-secrets"),
        Evasion(
            "nameless file by its descriptor", "the same, by linkat of the descriptor itself",
            "exec $attack tmpfile-link-empty $PWD/granted/w $PWD/secret/w/new", "file.create", "no-secrets"),
        Evasion(
            "nameless file in a denied directory", "a file made without a name where none may be made",
            "exec $attack tmpfile-link $PWD/secret/w $PWD/granted/w/new", "file.write", "no-secrets"),
    ]
}
