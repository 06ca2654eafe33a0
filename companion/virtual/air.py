"""A virtual radio: Bluetooth controllers that hear one another in this process, and no others.

bumble's, with what its version 0.0.236 gets wrong put right. It knows no distance: signal strength is always the same,
nothing is lost, and a link breaks only by `lose`.
"""

import asyncio
from typing import Any

from bumble import hci
from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

ACL_BYTES = 251  # with data length extension, as of today's radios


class Air(LocalLink):
    """What the controllers share."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bumble has no types for it

    def send_acl_data(
        self, sender_controller: Controller, destination_address: hci.Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        """bumble sends under the sender's random address even where the link was made with its public one."""
        peer = self.find_le_controller(destination_address)
        links = sender_controller.le_connections.values()
        own = next(
            (link.self_address for link in links if link.peer_address == destination_address),
            sender_controller.random_address,
        )
        if peer is not None:
            asyncio.get_running_loop().call_soon(peer.on_link_acl_data, own, transport, data)


class VirtualRadio(Controller):
    """One controller on the air; `host_sink` takes its packets."""

    def __init__(self, name: str, air: Air, **parts: Any) -> None:
        super().__init__(name, link=air, **parts)
        self.air = air
        self.le_acl_data_packet_length = ACL_BYTES
        self.acl_data_packet_length = ACL_BYTES

    def for_kernel(self) -> None:
        """A kernel on the other side times out on what bumble says of these (google/bumble issue 841)."""
        self.le_features &= ~(hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """bumble repeats the advertisement as scan response; what the advertiser answers to a scan is put there."""
        for report in getattr(packet, "reports", ()):
            if int(report.event_type) in (4, 8):  # SCAN_RSP of the legacy event, SCAN_RESPONSE of the extended one
                peer = self.air.find_le_controller(report.address)
                if isinstance(peer, Controller):
                    answers = [each.scan_response_data for each in peer.advertising_sets.values()]
                    legacy = peer.le_legacy_advertiser.scan_response_data
                    report.data = bytes(next((answer for answer in answers if answer), legacy))
        super().send_hci_packet(packet)

    def on_hci_reset_command(self, command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        """A host that begins anew, after a crash perhaps, has no links: bumble keeps them."""
        self.lose()
        self.pending_le_connection = None
        return super().on_hci_reset_command(command)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """bumble goes on connecting, and says nothing."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def lose(self) -> None:
        """Out of range: every link of it times out, on both sides."""
        for mine in list(self.le_connections.values()):
            peer = self.air.find_le_controller(mine.peer_address)
            theirs = None if peer is None else peer.le_connections.get(mine.self_address)
            if peer is not None and theirs is not None:
                peer.on_le_disconnected(theirs, hci.HCI_CONNECTION_TIMEOUT_ERROR)
            self.on_le_disconnected(mine, hci.HCI_CONNECTION_TIMEOUT_ERROR)

    def remove(self) -> None:
        """Gone from the air, with its links."""
        self.lose()
        self.le_legacy_advertiser.stop()
        for each in self.advertising_sets.values():
            each.stop()
        self.air.controllers.discard(self)
