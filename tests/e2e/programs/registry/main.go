// Command registry is a container registry with TLS. Pulls need no credentials, except from repositories below "private/".
// These pulls, and all pushes, need one of the logins in a file, which has a USER:PASSWORD on each line.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/auth"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

type access struct{ loginFile string }

func (a access) Authorized(r *http.Request, wanted ...auth.Access) (*auth.Grant, error) {
	user, password, given := r.BasicAuth()
	if given {
		// Read each time, so that tests can add logins.
		logins, err := os.ReadFile(a.loginFile)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(strings.Fields(string(logins)), user+":"+password) {
			return nil, challenge{auth.ErrAuthenticationFailure}
		}
	}
	// A client without a login asks here whether it needs one, before it pushes. Nodes do not ask before they pull.
	if !given && len(wanted) == 0 {
		return nil, challenge{auth.ErrInvalidCredential}
	}
	grant := &auth.Grant{User: auth.UserInfo{Name: user}}
	for _, w := range wanted {
		if !given && (w.Action != "pull" || strings.HasPrefix(w.Name, "private/")) {
			return nil, challenge{auth.ErrInvalidCredential}
		}
		grant.Resources = append(grant.Resources, w.Resource)
	}
	return grant, nil
}

type challenge struct{ error }

func (challenge) SetHeaders(_ *http.Request, w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="test registry"`)
}

func main() {
	listen := flag.String("listen", "127.0.0.1:5000", "address to serve at")
	folder := flag.String("folder", "", "folder for images")
	certificate := flag.String("cert", "", "certificate file")
	key := flag.String("key", "", "key file")
	loginFile := flag.String("login-file", "", "file with logins")
	flag.Parse()
	if err := auth.Register("test", func(map[string]any) (auth.AccessController, error) {
		return access{*loginFile}, nil
	}); err != nil {
		log.Fatal(err)
	}
	config := configuration.Configuration{
		Storage: configuration.Storage{
			"filesystem": {"rootdirectory": *folder},
			"delete":     {"enabled": true},
		},
		Auth: configuration.Auth{"test": {}},
	}
	// Signs the state of uploads between replicas, of which there is one.
	config.HTTP.Secret = rand.Text()
	config.Catalog.MaxEntries = 1000
	log.Fatal(http.ListenAndServeTLS(*listen, *certificate, *key, handlers.NewApp(context.Background(), &config)))
}
