package live

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// cookie is the name of the one that stands for the token in a browser.
const cookie = "adain"

// access decides who may ask for what.
type access struct {
	token   string   // "" lets everybody in
	session string   // value of the cookie: random, so that a stolen cookie does not tell the token
	hosts   []string // names besides localhost
}

func newAccess(token string, hosts []string) access {
	var random [32]byte
	rand.Read(random[:]) // never fails: the program would have ended
	return access{token: token, session: hex.EncodeToString(random[:]), hosts: hosts}
}

// check refuses requests that a foreign web page makes a browser send: under a name that its owner points to this machine (DNS
// rebinding), or from a page of another origin. Programs that are no browsers send neither Origin nor Sec-Fetch-Site.
func (a access) check(r *http.Request) error {
	if !hostForm.MatchString(r.Host) {
		return refuse(http.StatusBadRequest, "the Host %q is neither a name nor an address, wanted such as localhost:8080 or [::1]:8080", r.Host)
	}
	if !a.knows(r.Host) {
		return refuse(http.StatusMisdirectedRequest,
			"this page is not known as %q: ask for it by localhost, by its address in figures, or by a name given with --host", r.Host)
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "same-origin", "none":
	default: // a link to the page is harmless
		if !reads || r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.URL.Path != "/" {
			return refuse(http.StatusForbidden, "a request from another site (%s) is refused", site)
		}
	}
	if origins := r.Header.Values("Origin"); len(origins) > 0 {
		u, err := url.Parse(origins[0])
		if len(origins) > 1 || err != nil || !strings.EqualFold(u.Host, r.Host) || (u.Scheme != "http" && u.Scheme != "https") {
			return refuse(http.StatusForbidden, "a request from the origin %q is refused", strings.Join(origins, ", "))
		}
	}
	return nil
}

// hostForm is what a Host header may look like: a name or an address, of which IPv6 stands in brackets, and a port.
var hostForm = regexp.MustCompile(`^([^][:/?#@\s]*|\[[0-9A-Fa-f:.]+(%25[^][\s]+)?\])(:[0-9]*)?$`)

// knows says whether a Host header may name this page. An address in figures needs no name server, so it cannot be rebound.
func (a access) knows(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true
	}
	same := func(h string) bool { return strings.EqualFold(name, h) }
	return same("localhost") || slices.ContainsFunc(a.hosts, same)
}

// entered says whether a request has the token, as a cookie or as "Authorization: Bearer TOKEN".
func (a access) entered(r *http.Request) bool {
	if a.token == "" {
		return true
	}
	if c, err := r.Cookie(cookie); err == nil && equal(c.Value, a.session) {
		return true
	}
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && equal(bearer, a.token)
}

// enter gives a browser its cookie if the token is right.
func (a access) enter(w http.ResponseWriter, token string) bool {
	if a.token == "" || !equal(token, a.token) {
		return false
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: a.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return true
}

// equal takes the same time whatever is different, the length too.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
