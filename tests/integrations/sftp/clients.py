"""The programs that partners use, run as they run them."""

from __future__ import annotations

import os
import subprocess

SECONDS = 20
SSH = [
    *("-o", "StrictHostKeyChecking=no"),
    *("-o", "UserKnownHostsFile=/dev/null"),
    *("-o", "LogLevel=ERROR"),
    *("-o", "NumberOfPasswordPrompts=1"),
    *("-F", "none"),
]


class Clients:
    def __init__(self, port, login, password, program, folder):
        self.port, self.login, self.password = port, login, password
        self.program, self.folder = program, folder

    def file(self, name, data=b"hello"):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def env(self):
        """ssh asks a program for the password where there is no terminal."""
        ask = self.folder / "ask"
        if not ask.exists():
            ask.write_text('#!/bin/sh\nprintf "%s\\n" "$SFTP_TEST_PASSWORD"\n')
            ask.chmod(0o700)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "SFTP_TEST_PASSWORD": self.password,
            "SSH_ASKPASS": str(ask),
            "SSH_ASKPASS_REQUIRE": "force",
            "DISPLAY": ":0",
        }

    def run(self, *command, given=None):
        return subprocess.run(
            [str(word) for word in command],
            input=given,
            env=self.env(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            start_new_session=True,
        )

    def start(self, *command, **options):
        return subprocess.Popen(
            [str(word) for word in command],
            env=self.env(),
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )

    def sftp_command(self, *options):
        # A batch is read with -b, which turns passwords off unless it is told otherwise.
        return [
            self.program("sftp"),
            *SSH,
            *("-P", self.port, "-o", "BatchMode=no", "-b", "-", *options),
            f"{self.login}@127.0.0.1",
        ]

    def sftp(self, *lines, options=()):
        """Its output, in which a refused line is named; it goes on after one."""
        batch = "".join(f"-{line}\n" for line in lines)
        return self.run(*self.sftp_command(*options), given=batch)

    def ssh(self, *words, options=()):
        command = [self.program("ssh"), *SSH, "-p", self.port, *options]
        return self.run(*command, f"{self.login}@127.0.0.1", *words)

    def scp(self, *paths, options=()):
        return self.run(self.program("scp"), *SSH, "-P", self.port, *options, *paths)

    def remote(self, path):
        return f"{self.login}@127.0.0.1:{path}"

    def curl(self, *words):
        return self.run(
            *(self.program("curl"), "-sS", "--insecure"),
            *("-u", f"{self.login}:{self.password}", *words),
        )

    def url(self, path):
        return f"sftp://127.0.0.1:{self.port}{path}"

    def lftp(self, commands):
        connect = f"sftp://{self.login}:{self.password}@127.0.0.1:{self.port}"
        program = "ssh -a -x " + " ".join(SSH)
        script = f"set sftp:connect-program '{program}'; set net:max-retries 1; {commands}"
        return self.run(self.program("lftp"), "-e", f"{script}; exit", connect)
