// Command registry is a container registry with TLS. Pulls need no credentials, except from repositories below "private/".
// These pulls, and all pushes, need the user name and password.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/auth"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

type access struct{ user, password string }

func (a access) Authorized(r *http.Request, wanted ...auth.Access) (*auth.Grant, error) {
	grant := &auth.Grant{User: auth.UserInfo{Name: a.user}}
	for _, w := range wanted {
		grant.Resources = append(grant.Resources, w.Resource)
	}
	user, password, given := r.BasicAuth()
	if given && user == a.user && password == a.password {
		return grant, nil
	}
	if given {
		return nil, challenge{auth.ErrAuthenticationFailure}
	}
	for _, w := range wanted {
		if w.Action != "pull" || strings.HasPrefix(w.Name, "private/") {
			return nil, challenge{auth.ErrInvalidCredential}
		}
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
	loginFile := flag.String("login-file", "", "file with USER:PASSWORD")
	flag.Parse()
	login, err := os.ReadFile(*loginFile)
	if err != nil {
		log.Fatal(err)
	}
	user, password, _ := strings.Cut(string(login), ":")
	if err := auth.Register("test", func(map[string]any) (auth.AccessController, error) {
		return access{user, password}, nil
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
	config.HTTP.Secret = password
	config.Catalog.MaxEntries = 1000
	log.Fatal(http.ListenAndServeTLS(*listen, *certificate, *key, handlers.NewApp(context.Background(), &config)))
}
