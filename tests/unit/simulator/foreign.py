# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients of the simulator that share nothing with it but impacket's primitives: no codec, no connection, no logon.

``ImpacketClient`` is impacket as it comes, with NTLM. ``SpnegoClient`` puts impacket's NTLM into SPNEGO by hand, since
impacket's own RPC client knows only Kerberos there. The NDR definitions are impacket's where they are right.
"""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Any, Protocol, Self, cast

from Cryptodome.Cipher import ARC4
from impacket import ntlm, spnego
from impacket.dcerpc.v5 import dhcpm, rpcrt, transport
from impacket.dcerpc.v5.dtypes import DWORD, LPWSTR, ULONG
from impacket.dcerpc.v5.ndr import NDRCALL, NULL
from impacket.uuid import uuidtup_to_bin

from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_DOMAIN, DEFAULT_PASSWORD

TIMEOUT = 10
NDR = ("8a885d04-1ceb-11c9-9fe8-08002b104860", "2.0")
OID_NTLM = bytes.fromhex("2b06010401823702020a")
SPNEGO_TYPE, NTLM_TYPE, PRIVACY = 9, 10, 6
AUTH_CONTEXT = 4711


class GetVersion(NDRCALL):
    opnum = 28
    structure: Any = (("ServerIpAddress", LPWSTR),)


class GetVersionReply(NDRCALL):
    structure: Any = (("MajorVersion", DWORD), ("MinorVersion", DWORD), ("ErrorCode", ULONG))


class CreateClientInfoVQ(NDRCALL):
    opnum = 44
    structure: Any = (("ServerIpAddress", LPWSTR), ("ClientInfo", dhcpm.DHCP_CLIENT_INFO_VQ))


class StatusReply(NDRCALL):
    structure: Any = (("ErrorCode", ULONG),)


class GetClientInfoVQ(NDRCALL):
    opnum = 46
    structure: Any = (("ServerIpAddress", LPWSTR), ("SearchInfo", dhcpm.DHCP_SEARCH_INFO))


class GetClientInfoVQReply(NDRCALL):
    structure: Any = (("ClientInfo", dhcpm.LPDHCP_CLIENT_INFO_VQ), ("ErrorCode", ULONG))


class EnumSubnetClientsVQ(NDRCALL):
    """impacket has the resume handle as a pointer; a reference pointer leaves nothing on the wire."""

    opnum = 47
    structure: Any = (
        ("ServerIpAddress", LPWSTR),
        ("SubnetAddress", DWORD),
        ("ResumeHandle", DWORD),
        ("PreferredMaximum", DWORD),
    )


class EnumSubnetClientsVQReply(NDRCALL):
    structure: Any = (
        ("ResumeHandle", DWORD),
        ("ClientInfo", dhcpm.LPDHCP_CLIENT_INFO_ARRAY_VQ),
        ("ClientsRead", DWORD),
        ("ClientsTotal", DWORD),
        ("ErrorCode", ULONG),
    )


def blank(kind: Any) -> Any:
    """A request without a ServerIpAddress."""
    request = kind()
    request["ServerIpAddress"] = NULL
    return request


class Reachable(Protocol):
    """A simulator in this process, or the address of one elsewhere."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


class _Transport(transport.TCPTransport):
    """impacket's own, but at the end of the stream 0.13.0 asks for more for ever."""

    def recv(self, forceRecv: int = 0, count: int = 0) -> bytes:  # noqa: N803
        """So many octets."""
        received = b""
        while len(received) < max(count, 1):
            chunk = self.get_socket().recv((count or 8192) - len(received))
            if not chunk:
                raise ConnectionResetError("the connection was closed")
            received += chunk
        return received


class ImpacketClient:
    """impacket's RPC client, as it comes."""

    def __init__(
        self,
        sim: Reachable,
        username: str = ADMINISTRATOR,
        password: str = DEFAULT_PASSWORD,
        *,
        domain: str = DEFAULT_DOMAIN,
        level: int = PRIVACY,
        interface: bytes = dhcpm.MSRPC_UUID_DHCPSRV,
    ) -> None:
        binding = _Transport(sim.host, sim.port)
        binding.set_connect_timeout(TIMEOUT)
        binding.set_credentials(username, password, domain)
        self.rpc = binding.get_dce_rpc()
        self.rpc.set_auth_type(NTLM_TYPE)
        self.rpc.set_auth_level(level)
        self.interface = interface

    def __enter__(self) -> Self:
        self.rpc.connect()
        try:
            self.rpc.bind(self.interface)
        except BaseException:
            self.rpc.disconnect()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rpc.disconnect()

    def raw(self, opnum: int, stub: bytes) -> bytes:
        """The reply's stub. Raises impacket's ``DCERPCException`` for a fault."""
        self.rpc.call(opnum, stub)
        return cast("bytes", self.rpc.recv())

    def ask(self, request: Any, reply: type[Any]) -> Any:
        """A reply, decoded by impacket."""
        self.rpc.call(request.opnum, request)
        return reply(self.rpc.recv())

    def version(self) -> tuple[int, int]:
        """R_DhcpGetVersion."""
        request = blank(GetVersion)
        reply = self.ask(request, GetVersionReply)
        return reply["MajorVersion"], reply["MinorVersion"]

    def create(self, address: int, identifier: bytes, name: str) -> int:
        """R_DhcpCreateClientInfoVQ: its status."""
        request = blank(CreateClientInfoVQ)
        info = request["ClientInfo"]
        info["ClientIpAddress"] = address
        info["Status"] = 0
        info["ClientHardwareAddress"]["DataLength"] = len(identifier)
        info["ClientHardwareAddress"]["Data_"] = identifier
        info["ClientName"] = name + "\x00"
        info["ClientComment"] = NULL
        info["OwnerHost"]["NetBiosName"] = NULL
        info["OwnerHost"]["HostName"] = NULL
        return cast("int", self.ask(request, StatusReply)["ErrorCode"])

    def get(self, address: int) -> Any:
        """R_DhcpGetClientInfoVQ by address: impacket's structure."""
        request = blank(GetClientInfoVQ)
        request["SearchInfo"]["SearchType"] = 0
        request["SearchInfo"]["SearchInfo"]["tag"] = 0
        request["SearchInfo"]["SearchInfo"]["ClientIpAddress"] = address
        return self.ask(request, GetClientInfoVQReply)

    def page(self, subnet: int, handle: int) -> Any:
        """R_DhcpEnumSubnetClientsVQ: one page."""
        request = blank(EnumSubnetClientsVQ)
        request["SubnetAddress"] = subnet
        request["ResumeHandle"] = handle
        request["PreferredMaximum"] = 0xFFFFFFFF
        return self.ask(request, EnumSubnetClientsVQReply)


class SpnegoClient:
    """NTLM in SPNEGO with a mechListMIC; every signature that it is sent is checked with impacket's functions."""

    def __init__(
        self,
        sim: Reachable,
        username: str = ADMINISTRATOR,
        password: str = DEFAULT_PASSWORD,
        *,
        logon: bool = True,
    ) -> None:
        self._wants_logon = logon
        self.bind_flags = 0
        self.last_token = b""
        self._socket = socket.create_connection((sim.host, sim.port), timeout=TIMEOUT)
        self._account = (username, password)
        self._call_id = 1
        self._sequence = 0
        self._replies = 0
        self.mech_list_mic_is_valid = False

    def __enter__(self) -> Self:
        try:
            if self._wants_logon:
                self._logon()
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def timeout(self, seconds: float) -> None:
        """How long to wait for the server."""
        self._socket.settimeout(seconds)

    def challenge(self) -> bytes:
        """The CHALLENGE that answers our NEGOTIATE."""
        self._negotiate = ntlm.getNTLMSSPType1("", "", signingRequired=True, use_ntlmv2=True)
        first = spnego.SPNEGO_NegTokenInit()
        first["MechTypes"] = [OID_NTLM]
        first["MechToken"] = self._negotiate.getData()
        answer = self.handshake(rpcrt.MSRPC_BIND, first.getData())
        return cast("bytes", spnego.SPNEGO_NegTokenResp(answer)["ResponseToken"])

    def _logon(self) -> None:
        challenge = self.challenge()
        username, password = self._account
        message, key = ntlm.getNTLMSSPType3(self._negotiate, challenge, username, password, DEFAULT_DOMAIN)
        self._flags = message["flags"]
        self._keys = {
            side: (ntlm.SIGNKEY(self._flags, key, side), ntlm.SEALKEY(self._flags, key, side))
            for side in ("Client", "Server")
        }
        mech_list = b"\x30" + bytes((len(OID_NTLM) + 2, 0x06, len(OID_NTLM))) + OID_NTLM
        token = spnego.SPNEGO_NegTokenResp()
        token["ResponseToken"] = message.getData()
        token["mechListMIC"] = self._mic("Client", mech_list)
        answer = self.handshake(rpcrt.MSRPC_ALTERCTX, token.getData())
        # accept-completed, then the mechListMIC: the last sixteen octets
        self.mech_list_mic_is_valid = answer.endswith(self._mic("Server", mech_list))
        self._sealing = {side: ARC4.new(keys[1]).encrypt for side, keys in self._keys.items()}

    def _mic(self, side: str, data: bytes) -> bytes:
        signing, sealing = self._keys[side]
        return cast("bytes", ntlm.SIGN(self._flags, signing, data, 0, ARC4.new(sealing).encrypt).getData())

    def handshake(self, kind: int, token: bytes) -> bytes:
        """A bind or alter_context with a token: the server's token."""
        bind = rpcrt.MSRPCBind()
        item = rpcrt.CtxItem()
        item["AbstractSyntax"] = dhcpm.MSRPC_UUID_DHCPSRV
        item["TransferSyntax"] = uuidtup_to_bin(NDR)
        item["ContextID"] = 0
        item["TransItems"] = 1
        bind.addCtxItem(item)
        packet = rpcrt.MSRPCHeader()
        packet["type"] = kind
        packet["pduData"] = bind.getData()
        packet["flags"] |= 0x04  # PFC_SUPPORT_HEADER_SIGN
        packet["call_id"] = self._call_id
        packet["sec_trailer"] = self._trailer(0)
        packet["auth_data"] = token
        self._socket.sendall(packet.get_packet())
        answer = rpcrt.MSRPCHeader(self._receive())
        self.bind_flags |= answer["flags"]
        if answer["type"] not in (rpcrt.MSRPC_BINDACK, rpcrt.MSRPC_ALTERCTX_R):
            raise ConnectionRefusedError(answer["type"])
        self.last_token = cast("bytes", answer["auth_data"])
        return self.last_token

    def _trailer(self, padding: int) -> bytes:
        return struct.pack("<BBBBI", SPNEGO_TYPE, PRIVACY, padding, 0, AUTH_CONTEXT)

    def _receive(self) -> bytes:
        data = b""
        while len(data) < 16 or len(data) < struct.unpack_from("<H", data, 8)[0]:
            more = self._socket.recv(4096)
            if not more:
                raise EOFError
            data += more
        return data

    def _send(self, opnum: int, stub: bytes, *, tamper: bool = False) -> None:
        self._call_id += 1
        self._sequence += 1  # the mechListMIC was number 0
        stub += bytes(-len(stub) % 16)
        head = struct.pack("<BBBBIHHI", 5, 0, 0, 3, 0x10, 24 + len(stub) + 24, 16, self._call_id)
        head += struct.pack("<IHH", len(stub), 0, opnum)
        signed = head + stub + self._trailer(0)
        number = self._sequence
        sealing = self._sealing["Client"]
        sealed, signature = ntlm.SEAL(self._flags, self._keys["Client"][0], None, signed, stub, number, sealing)
        if tamper:
            sealed = bytes((sealed[0] ^ 1,)) + sealed[1:]
        self._socket.sendall(head + sealed + self._trailer(0) + signature.getData())

    def reply(self, opnum: int, stub: bytes, *, tamper: bool = False) -> bytes:
        """The PDU that answers a call."""
        self._send(opnum, stub, tamper=tamper)
        return self._receive()

    def raw(self, opnum: int, stub: bytes, *, tamper: bool = False) -> bytes:
        """The stub of a reply of one fragment."""
        return self.open(self.reply(opnum, stub, tamper=tamper))

    def swallow(self, most: int) -> int:
        """How many octets answer R_DhcpGetVersion, counted up to ``most``."""
        self._send(28, bytes(4))
        count = 0
        while count < most:
            more = len(self._socket.recv(65536))
            if not more:
                break
            count += more
        return count

    def open(self, reply: bytes) -> bytes:
        """The stub of a PDU, its signature checked."""
        if reply[2] == rpcrt.MSRPC_FAULT:
            raise ConnectionRefusedError(reply[2])
        self._replies += 1
        plain: bytes = self._sealing["Server"](reply[24:-24])
        signed = reply[:24] + plain + reply[-24:-16]
        signing, sealing = self._keys["Server"][0], self._sealing["Server"]
        expected = ntlm.SIGN(self._flags, signing, signed, self._replies, sealing).getData()
        if expected != reply[-16:]:
            raise ValueError("wrong signature")
        return plain[: len(plain) - reply[-22]]
