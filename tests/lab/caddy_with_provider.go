// Caddy 2.6.2 with a DNS provider for the lab: records are set and removed by POST at the lab's name server, and
// what that refuses is told in the words of libdns/cloudflare (client.go, "got error status: HTTP ...").
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/libdns/libdns"
)

// Provider is `dns lab URL` in a Caddyfile.
type Provider struct {
	URL string `json:"url"`
}

// CaddyModule names the module.
func (Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "dns.providers.lab", New: func() caddy.Module { return new(Provider) }}
}

// UnmarshalCaddyfile reads the URL.
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for d.Next() {
		if !d.Args(&p.URL) {
			return d.ArgErr()
		}
	}
	return nil
}

// AppendRecords sets records of a zone.
func (p *Provider) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.all(ctx, "set", zone, records)
}

// DeleteRecords removes records of a zone.
func (p *Provider) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.all(ctx, "remove", zone, records)
}

func (p *Provider) all(ctx context.Context, verb, zone string, records []libdns.Record) ([]libdns.Record, error) {
	for _, record := range records {
		name := libdns.AbsoluteName(record.Name, zone)
		if err := p.post(ctx, verb, map[string]string{"name": name, "value": record.Value}); err != nil {
			return nil, err
		}
	}
	return records, nil
}

func (p *Provider) post(ctx context.Context, verb string, what map[string]string) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/"+verb, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 400 {
		return fmt.Errorf("got error status: HTTP %d: %s", response.StatusCode, said)
	}
	return nil
}

func main() {
	caddy.RegisterModule(Provider{})
	caddycmd.Main()
}
