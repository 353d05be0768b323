"""Settings of who may log in, and how."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from lumihub.settings.kinds import Name, ObjectName, Secret, Section, Url, Words, build_broken_rule


def _check_different(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("should name each account once")
    return names


Names = Annotated[
    tuple[Name, ...],
    AfterValidator(_check_different),
    Words("a list of different names, each of small letters, digits, '.', '_', '@' and '-', as in [admin, mara]"),
]
Texts = Annotated[tuple[str, ...], Words("a list of words")]


class NativeAuth(Section):
    """Accounts that the hub keeps itself, with a user name and a password."""

    signup: Literal["approval", "open", "closed"] = Field(
        "approval",
        description="Who may make an account at the login page. `approval`: anybody asks there and an admin approves"
        " at /hub/authorize; the default, because nobody gets in unseen and nobody has to type a roster. `open`:"
        " anybody who reaches the page is in at once; only for a closed network. `closed`: the page makes no accounts,"
        " `./deploy.py users add` does.",
    )
    minimum_password_length: int = Field(
        8,
        ge=8,
        le=64,
        description="Shortest password that is accepted, in characters. Fewer than 8 are too quickly guessed.",
    )


class OAuth(Section):
    """What every OAuth provider asks for."""

    client_id: Annotated[str, Words("the identifier that the provider gave you")] | None = Field(
        None, min_length=1, description="Under which the provider knows this hub. null, the default, is none."
    )
    client_secret: Secret | None = Field(
        None,
        description="The secret that belongs to `clientId`. null, the default, where it lies in `existingSecret`.",
    )
    existing_secret: ObjectName | None = Field(
        None,
        description="Name of a Secret in `kubernetes.namespace` that holds the client's secret under the key"
        " `client-secret`, so that no file does. null, the default, takes `clientSecret`.",
    )
    callback_url: Url | None = Field(
        None,
        description="The address to which the provider sends people back: https://YOUR-HUB/hub/oauth_callback. null,"
        " the default, makes it from the address that the browser opened.",
        examples=["https://hub.example.org/hub/oauth_callback"],
    )
    allowed_users: Names = Field(
        (), description="Who may log in, by the name that the provider gives. Admins always may."
    )


class Oidc(OAuth):
    """Logging in through OpenID Connect (Keycloak, Entra, Shibboleth's...), as JupyterHub's GenericOAuthenticator."""

    allow_all: bool = Field(
        True,
        description="Whether everybody who can log in at the provider may come in. The default, because it is your"
        " institution's own; false lets in `allowedUsers` alone.",
    )
    authorize_url: Url | None = Field(
        None,
        description="The provider's authorization endpoint. null, the default, is none; `oidc` needs it.",
        examples=["https://sso.example.org/oidc/auth"],
    )
    token_url: Url | None = Field(
        None,
        description="The provider's token endpoint. null, the default, is none; `oidc` needs it.",
        examples=["https://sso.example.org/oidc/token"],
    )
    userdata_url: Url | None = Field(
        None,
        description="The provider's userinfo endpoint. null, the default, is none; `oidc` needs it.",
        examples=["https://sso.example.org/oidc/userinfo"],
    )
    username_claim: Annotated[str, Words("the name of a claim")] = Field(
        "preferred_username",
        min_length=1,
        description="Which of the claims becomes the user name. It must never change and never pass to somebody else,"
        " for it leads to the home.",
    )
    scope: Annotated[tuple[str, ...], Words("a list of scopes")] = Field(
        ("openid", "profile", "email"), description="What the hub asks the provider for."
    )
    login_service: Annotated[str, Words("a few words")] = Field(
        "your institution", min_length=1, description="What the button at the login page says: Sign in with ..."
    )


class GitHub(OAuth):
    """Logging in with an account of GitHub."""

    allowed_organizations: Texts = Field(
        (), description="GitHub organizations (or `organization:team`) whose members may log in."
    )


class Google(OAuth):
    """Logging in with an account of Google, Workspace for Education included."""

    hosted_domain: Annotated[tuple[str, ...], Words("a list of domains")] = Field(
        (), description="Domains of Google Workspace whose members may log in.", examples=[["school.example.org"]]
    )


class Lti13(Section):
    """Logging in from a learning platform (Moodle, Canvas...) by LTI 1.3: who is in the course comes in."""

    client_ids: Texts = Field((), description="Identifiers that the platform gave this hub. `lti13` needs one.")
    issuer: Annotated[str, Words("the identifier of the platform")] | None = Field(
        None,
        min_length=1,
        description="The platform's issuer identifier. null, the default, is none; `lti13` needs it.",
        examples=["https://moodle.example.org"],
    )
    authorize_url: Url | None = Field(
        None,
        description="The platform's authentication request URL. null, the default, is none; `lti13` needs it.",
        examples=["https://moodle.example.org/mod/lti/auth.php"],
    )
    jwks_endpoint: Url | None = Field(
        None,
        description="Where the platform publishes its keys. null, the default, is none; `lti13` needs it.",
        examples=["https://moodle.example.org/mod/lti/certs.php"],
    )
    username_key: Annotated[str, Words("the name of a claim")] = Field(
        "sub",
        min_length=1,
        description="Which claim becomes the user name. `sub`, the default, is always there, never changes and says"
        " nothing about a person; `email` is easier to read where the platform sends it.",
    )


# What a type can't do without, by its path in this section.
_NEEDED = {
    "oidc": ("client_id", "authorize_url", "token_url", "userdata_url"),
    "github": ("client_id",),
    "google": ("client_id",),
    "lti13": ("client_ids", "issuer", "authorize_url", "jwks_endpoint"),
}
_ALLOW = {"github": ("allowed_organizations", "allowed_users"), "google": ("hosted_domain", "allowed_users")}


class Auth(Section):
    """Who may log in."""

    type: Literal["native", "oidc", "github", "google", "lti13"] = Field(
        "native",
        description="How people log in. `native`: with a user name and a password that the hub keeps; it needs no"
        " other service. On Kubernetes also with an account elsewhere, each with a section of its own below: `oidc`:"
        " your institution's login, `github`, `google`, `lti13`: from a course of your learning platform.",
    )
    admins: Names = Field(
        ("admin",),
        min_length=1,
        description="Accounts that may approve students, see who is logged in and stop servers. With `native`, `up`"
        " makes them and shows each password once; with the other types they are names as the provider gives them.",
    )
    native: NativeAuth = Field(default_factory=NativeAuth)
    oidc: Oidc = Field(default_factory=Oidc)
    github: GitHub = Field(default_factory=GitHub)
    google: Google = Field(default_factory=Google)
    lti13: Lti13 = Field(default_factory=Lti13)

    @model_validator(mode="after")
    def _admins_are_named(self) -> Self:
        if self.type != "native" and self.admins == ("admin",):
            raise build_broken_rule(
                f"is [admin], and whoever has that name at the provider ({self.type}) would rule this hub",
                key="admins",
                fix="name the admins as the provider does, as in auth.admins: [mara@example.org]",
                involved=("type",),
            )
        return self

    @model_validator(mode="after")
    def _type_is_complete(self) -> Self:
        section = getattr(self, self.type)
        for name in _NEEDED.get(self.type, ()):
            if not getattr(section, name):
                raise self._incomplete(f"{self.type}.{type(section).model_fields[name].alias}", "is missing")
        if isinstance(section, OAuth) and (section.client_secret is None) == (section.existing_secret is None):
            said = "is missing" if section.client_secret is None else "and existingSecret are both given"
            raise self._incomplete(f"{self.type}.clientSecret", said)
        allow = _ALLOW.get(self.type)
        if allow and not any(getattr(section, name) for name in allow):
            key = f"{self.type}.{type(section).model_fields[allow[0]].alias}"
            raise self._incomplete(key, "and allowedUsers are both empty, so nobody could log in")
        return self

    def _incomplete(self, key: str, said: str) -> Exception:
        remedy = "set one of the two" if "both" in said else f"write auth.{key}"
        if key.endswith("clientSecret") and "missing" in said:
            remedy += ", or name a Secret in existingSecret"
        return build_broken_rule(
            said if "both" in said else f"{said}, and auth.type is {self.type}",
            key=key,
            fix=f"{remedy}, or set auth.type to another",
            involved=("type",),
        )


__all__ = ["Auth", "GitHub", "Google", "Lti13", "NativeAuth", "OAuth", "Oidc"]
