# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Help texts and examples."""

from knack.help_files import helps

# Microsoft's `communication` extension describes the group better; without it, someone has to.
helps.setdefault("communication", """
type: group
short-summary: Manage Azure Communication Services.
""")

helps["communication identity"] = """
type: group
short-summary: Manage the managed identities of Azure Communication Services resources.
long-summary: >-
    A resource can have one system-assigned identity, which lives and dies with it, and any number of user-assigned
    ones, which are resources of their own (az identity). These commands change nothing of the resource but its
    identity block.
"""

helps["communication identity assign"] = """
type: command
short-summary: Add managed identities to a resource.
long-summary: >-
    Keeps the identities that the resource has, its tags, linked domains and all other settings. Writes nothing when
    the identities are there already. Prints the identity block.
examples:
  - name: Enable the system-assigned identity.
    text: az communication identity assign --system-assigned --name myApp --resource-group myResourceGroup
  - name: Add a user-assigned identity by its resource ID.
    text: >
        az communication identity assign --name myApp --resource-group myResourceGroup --user-assigned
        /subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/myResourceGroup/providers/Microsoft.ManagedIdentity/userAssignedIdentities/myIdentity
  - name: Enable the system-assigned identity and add two user-assigned ones of the resource's own group by name.
    text: az communication identity assign -n myApp -g myResourceGroup --system-assigned --user-assigned myIdentity otherIdentity
  - name: Enable the system-assigned identity and print its principal ID, to grant it access.
    text: az communication identity assign -n myApp -g myResourceGroup --system-assigned --query principalId --output tsv
  - name: Enable the system-assigned identity and let it use an Azure AI resource.
    text: >
        az communication identity assign -n myApp -g myResourceGroup --system-assigned --role "Cognitive Services User"
        --scope /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myResourceGroup/providers/Microsoft.CognitiveServices/accounts/myAI
  - name: Enable the system-assigned identity on every resource that has no identity, in all subscriptions.
    text: >
        az communication identity list --all-subscriptions --query "[?type=='None'].id" --output tsv |
        az communication identity assign --system-assigned --ids "@-"
"""

helps["communication identity remove"] = """
type: command
short-summary: Remove managed identities from a resource.
long-summary: >-
    Keeps the identities that are not named, and all other settings of the resource. A user-assigned identity itself is
    not deleted. The system-assigned identity is: its principal and its role assignments are gone for good. In a
    terminal the command asks before it removes that, or the last identity; in a script it does not. Prints the
    identity block that is left.
examples:
  - name: Remove the system-assigned identity without being asked.
    text: az communication identity remove --system-assigned --name myApp --resource-group myResourceGroup --yes
  - name: Remove one user-assigned identity and keep the others.
    text: az communication identity remove -n myApp -g myResourceGroup --user-assigned myIdentity
  - name: Remove all user-assigned identities.
    text: az communication identity remove -n myApp -g myResourceGroup --user-assigned
  - name: Remove the system-assigned identity and the role assignments that it holds.
    text: az communication identity remove -n myApp -g myResourceGroup --system-assigned --delete-role-assignments --yes
  - name: Remove every identity.
    text: az communication identity remove -n myApp -g myResourceGroup --system-assigned --user-assigned --yes
"""

helps["communication identity show"] = """
type: command
short-summary: Show the managed identities of a resource.
long-summary: >-
    Prints the identity block: its type, the principal ID of the system-assigned identity, and the client ID and
    principal ID of each user-assigned one. A resource without an identity prints the type None.
examples:
  - name: Show the identities of a resource as a table.
    text: az communication identity show --name myApp --resource-group myResourceGroup --output table
  - name: Print the principal ID of the system-assigned identity.
    text: az communication identity show -n myApp -g myResourceGroup --query principalId --output tsv
  - name: Show what the resource may do, the roles that its identities hold.
    text: az communication identity show -n myApp -g myResourceGroup --roles --output table
  - name: Show the identities of a resource given by its resource ID.
    text: az communication identity show --ids /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myResourceGroup/providers/Microsoft.Communication/communicationServices/myApp
"""

helps["communication identity list"] = """
type: command
short-summary: List resources with their managed identities.
long-summary: >-
    Lists every Communication Services resource of the group, of the subscription, or of all subscriptions, with its
    identity block beside its name and resource ID. Resources without an identity are listed with the type None.
examples:
  - name: List the resources of the subscription and their identities as a table.
    text: az communication identity list --output table
  - name: List the resources of a group and their identities.
    text: az communication identity list --resource-group myResourceGroup
  - name: Print the resource IDs of all resources without an identity.
    text: az communication identity list --query "[?type=='None'].id" --output tsv
  - name: List the resources of all subscriptions and their identities as a table.
    text: az communication identity list --all-subscriptions --output table
"""

helps["communication identity wait"] = """
type: command
short-summary: Wait until a condition of a resource is met.
long-summary: Use it after assign or remove with --no-wait, or after the creation of a resource.
examples:
  - name: Wait until an update of the resource is done.
    text: az communication identity wait --updated --name myApp --resource-group myResourceGroup
  - name: Wait until the resource is created, and look every 10 seconds for at most 5 minutes.
    text: az communication identity wait -n myApp -g myResourceGroup --created --interval 10 --timeout 300
  - name: Wait until the system-assigned identity has its principal ID.
    text: az communication identity wait -n myApp -g myResourceGroup --custom identity.principalId
"""
